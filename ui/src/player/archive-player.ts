import { api } from "../api/client";
import { ArchiveRun, type ArchiveSource } from "./archive-run";
import { browserMediaSources, type MediaSources } from "./media-source";

export type ArchiveState =
  | { kind: "loading"; wallMs: number }
  | { kind: "playing"; wallMs: number }
  | { kind: "paused"; wallMs: number }
  /** Nothing masked was recorded from here on (yet). */
  | { kind: "ended"; wallMs: number }
  | { kind: "failed"; wallMs: number; message: string };

/** A camera's recordings on the server. */
export function archiveOf(camera: string): ArchiveSource {
  return {
    list: (fromMs, toMs, signal) => api.archive(camera, { fromMs, toMs }, signal),
    read: (file, fromMs, signal) => api.archiveFile(camera, file, fromMs, signal),
  };
}

const TICK_MS = 200;
/** This much is kept ready in front of the picture, times the speed. */
const AHEAD_S = 45;

/** Plays a camera's masked recordings from any moment, file after file, in one `<video>`. */
export class ArchivePlayer {
  readonly #video: HTMLVideoElement;
  readonly #from: ArchiveSource;
  readonly #onState: (state: ArchiveState) => void;
  readonly #media: MediaSources;
  readonly #now: () => number;

  #run: ArchiveRun | null = null;
  #ticker: ReturnType<typeof setInterval> | null = null;
  #speed = 1;
  #paused = false;
  #state: ArchiveState = { kind: "loading", wallMs: 0 };

  constructor(
    video: HTMLVideoElement,
    from: ArchiveSource,
    onState: (state: ArchiveState) => void,
    media: MediaSources = browserMediaSources,
    now: () => number = Date.now,
  ) {
    this.#video = video;
    this.#from = from;
    this.#onState = onState;
    this.#media = media;
    this.#now = now;
  }

  get state(): ArchiveState {
    return this.#state;
  }

  /** Shows the moment `wallMs` and goes on from there, or stands there when paused. */
  seek(wallMs: number): void {
    if (this.#run?.jump(wallMs)) {
      this.#say({ kind: this.#paused ? "paused" : "playing", wallMs });
      return;
    }
    this.#run?.close();
    this.#run = new ArchiveRun(this.#video, this.#from, this.#media, this.#now, wallMs, this.#tick);
    this.#ticker ??= setInterval(this.#tick, TICK_MS);
    this.#say({ kind: "loading", wallMs });
  }

  setPaused(paused: boolean): void {
    this.#paused = paused;
    this.#tick();
  }

  /** 1 is as it happened. */
  setSpeed(speed: number): void {
    this.#speed = speed;
    this.#video.playbackRate = speed;
  }

  close(): void {
    if (this.#ticker !== null) clearInterval(this.#ticker);
    this.#ticker = null;
    this.#run?.close();
    this.#run = null;
    this.#video.playbackRate = 1;
  }

  readonly #tick = (): void => {
    const run = this.#run;
    if (!run) return;
    if (this.#paused !== this.#video.paused) {
      if (this.#paused) this.#video.pause();
      else void this.#video.play().catch(() => undefined);
    }
    if (this.#video.playbackRate !== this.#speed) this.#video.playbackRate = this.#speed;
    const step = run.step(AHEAD_S * Math.max(1, this.#speed));
    switch (step.kind) {
      case "showing":
        this.#say({ kind: this.#paused ? "paused" : "playing", wallMs: step.wallMs });
        return;
      case "loading":
      case "ended":
      case "failed":
        this.#say(step);
        return;
      default:
        step satisfies never;
    }
  };

  #say(state: ArchiveState): void {
    this.#state = state;
    this.#onState(state);
  }
}
