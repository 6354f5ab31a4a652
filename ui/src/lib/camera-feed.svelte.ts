import { api } from "../api/client";
import { sentence } from "../api/fetched";
import type { LouverEvent, Timeline } from "../api/types";
import { app } from "./app.svelte";
import { poll } from "./poll";
import type { View } from "./timeline";

const EVERY_MS = 5_000;
const EVENTS = 60;

/** What the camera page knows of the time in view: asked anew when the view moves on, and while time does. */
export class CameraFeed {
  timeline = $state.raw<Timeline | null>(null);
  events = $state.raw<LouverEvent[] | null>(null);
  problem = $state.raw<string | null>(null);
  readonly #camera: string;
  #loaded: View | null = null;

  constructor(camera: string) {
    this.#camera = camera;
  }

  /** Follows a view until the returned function is called. */
  follow(view: View): () => void {
    const spanMs = view.toMs - view.fromMs;
    const known = this.#loaded;
    const inside = known !== null && known.fromMs <= view.fromMs && view.toMs <= known.toMs;
    // While someone drags, the margin asked for earlier is shown; the question waits until the hand rests.
    const wait = inside ? 250 : 60;
    let end: () => void = () => undefined;
    const timer = setTimeout(() => {
      end = poll(EVERY_MS, (signal) => this.#load({ fromMs: view.fromMs - spanMs, toMs: view.toMs + spanMs }, view, signal));
    }, wait);
    return () => {
      clearTimeout(timer);
      end();
    };
  }

  async #load(wide: View, view: View, signal: AbortSignal): Promise<void> {
    const [timeline, events] = await Promise.all([
      api.timeline(this.#camera, wide, signal),
      api.events({ camera: this.#camera, fromMs: view.fromMs, toMs: view.toMs, limit: EVENTS }, signal),
    ]);
    if (signal.aborted) return;
    app.heed(timeline);
    if (timeline.kind === "ok") {
      this.timeline = timeline.value;
      this.#loaded = wide;
    }
    if (events.kind === "ok") this.events = events.value.events;
    this.problem = sentence(timeline) ?? sentence(events);
  }
}
