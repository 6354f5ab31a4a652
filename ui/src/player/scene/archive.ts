import type { ArchiveSource } from "./archive-source";
import { frames as sharedFrames, type Frames } from "./frames";
import type { Header, SceneRecord } from "./model";
import type { Reel } from "./reel";
import type { Movement } from "./motion";
import { EASE_MS_MAX } from "./motion";
import type { Surface } from "./stage";
import { figuresAfter, panesAfter, STATE_HOLDS_MS } from "./state";
import { Summarizer, type Summary } from "./summary";
import { Supply } from "./supply";

export type ArchiveState =
  | { kind: "loading"; wallMs: number }
  | { kind: "playing"; wallMs: number }
  | { kind: "paused"; wallMs: number }
  /** Nothing was recorded from here on (yet). */
  | { kind: "ended"; wallMs: number }
  | { kind: "failed"; wallMs: number; message: string };

export interface ArchiveListener {
  state: (state: ArchiveState) => void;
  summary: (summary: Summary) => void;
}

export interface ArchiveBrowser {
  now: () => number;
  frames: Pick<Frames, "want" | "forget">;
  movement: () => Movement;
}

const browser: ArchiveBrowser = {
  now: Date.now,
  frames: sharedFrames,
  movement: () => (matchMedia("(prefers-reduced-motion: reduce)").matches ? "reduced" : "smooth"),
};

/** What is ready in front of the picture, times the speed. */
const AHEAD_MS = 20_000;
/** Before a hole the last picture stands this long; recordings that do not exist take no time to watch. */
const BEFORE_HOLE_MS = 1_000;
/** Words about the moment are as often as this; the picture itself is with every frame. */
const SAY_MS = 100;
/** A page that was not drawn for longer than this goes on where it was. */
const FRAME_MS_MAX = 250;

/** Plays a camera's recorded scenes from any moment on one stage. */
export class ArchiveScene {
  readonly #stage: Surface;
  readonly #from: ArchiveSource;
  readonly #listener: ArchiveListener;
  readonly #browser: ArchiveBrowser;
  readonly #summaries = new Summarizer();

  #supply: Supply | null = null;
  /** A moment that was wished for while another one was on its way. */
  #wishMs: number | null = null;
  /** The header that the stage began with. */
  #header: Header | null = null;
  /** What lies before is let go of. */
  #trimmedMs = -Infinity;
  /** Which record is drawn; `null` before the first of a supply. */
  #index: number | null = null;
  #atMs = 0;
  #frameMs: number | null = null;
  #saidMs = 0;
  #speed = 1;
  #paused = false;
  #closed = false;
  #state: ArchiveState = { kind: "loading", wallMs: 0 };
  /** The first picture waits for its place, so that a seek does not flash. */
  #settling = false;

  constructor(stage: Surface, from: ArchiveSource, listener: ArchiveListener, own: ArchiveBrowser = browser) {
    this.#stage = stage;
    this.#from = from;
    this.#listener = listener;
    this.#browser = own;
  }

  get state(): ArchiveState {
    return this.#state;
  }

  /** Shows the moment `wallMs` and goes on from there, or stands there when paused. While one is on its way, the last wish counts. */
  seek(wallMs: number): void {
    const supply = this.#supply;
    if (supply && this.#holds(supply, wallMs)) {
      this.#wishMs = null;
      this.#show(supply.reel, supply.reel.indexAt(wallMs), true);
      this.#atMs = Math.max(wallMs, supply.reel.first?.atMs ?? wallMs);
    } else if (supply && this.#index === null && supply.state.kind === "going") {
      this.#wishMs = wallMs;
    } else {
      this.#start(wallMs);
    }
    this.redraw();
  }

  /** One picture on or back; stands there. */
  step(by: 1 | -1): void {
    const reel = this.#supply?.reel;
    if (!reel || this.#index === null) return;
    this.setPaused(true);
    const target = this.#neighbour(reel, this.#index, by);
    const entry = target === null ? undefined : reel.entry(target);
    if (target === null || !entry) {
      if (by < 0) this.seek(this.#atMs - STATE_HOLDS_MS / 2);
      return;
    }
    this.#show(reel, target, true);
    this.#atMs = entry.atMs;
    this.redraw();
  }

  setPaused(paused: boolean): void {
    this.#paused = paused;
    this.#frameMs = null;
    this.redraw();
  }

  /** 1 is as it happened. */
  setSpeed(speed: number): void {
    this.#speed = speed;
  }

  /** Something of the stage changed. */
  redraw(): void {
    if (!this.#closed) this.#browser.frames.want(this.#draw);
  }

  close(): void {
    this.#closed = true;
    this.#supply?.close();
    this.#supply = null;
    this.#browser.frames.forget(this.#draw);
  }

  #start(wallMs: number): void {
    this.#supply?.close();
    this.#index = null;
    this.#wishMs = null;
    this.#trimmedMs = -Infinity;
    this.#atMs = wallMs;
    this.#supply = new Supply(this.#from, wallMs, this.#browser.now, () => {
      this.redraw();
    });
    this.#say({ kind: "loading", wallMs });
  }

  #holds(supply: Supply, wallMs: number): boolean {
    const { first, last } = supply.reel;
    if (!first || !last || this.#index === null) return false;
    const fromMs = Math.max(supply.fromMs, this.#trimmedMs);
    return wallMs >= fromMs && wallMs < Math.max(supply.doneMs, last.atMs);
  }

  #neighbour(reel: Reel, index: number, by: 1 | -1): number | null {
    const now = reel.entry(index);
    for (let i = index + by; ; i += by) {
      const entry = reel.entry(i);
      if (!now || !entry) return null;
      if (entry.atMs !== now.atMs) return i;
    }
  }

  /** Draws record `index` and keeps the next one's figures ready to glide to. */
  #show(reel: Reel, index: number, jump: boolean): void {
    const { state, motion } = this.#stage;
    const root = reel.rootOf(index);
    const goesOn = !jump && this.#index !== null && this.#index >= root && this.#index < index;
    if (jump) motion.clear();
    this.#apply(reel, goesOn && this.#index !== null ? this.#index + 1 : root, index);
    this.#index = index;
    const now = reel.entry(index);
    if (!now) return;
    motion.push({ atMs: now.atMs, figures: state.figures, panes: state.panes });
    const next = reel.entry(index + 1);
    if (next?.header === now.header && next.atMs - now.atMs < STATE_HOLDS_MS && next.atMs > now.atMs) {
      const { record } = next;
      motion.push({ atMs: next.atMs, figures: figuresAfter(state.figures, record), panes: panesAfter(state.panes, record) });
    }
    const summary = state.known ? this.#summaries.next(state) : null;
    if (summary) this.#listener.summary(summary);
  }

  /** Applies records `from` to `to`, both included. */
  #apply(reel: Reel, from: number, to: number): void {
    let records: SceneRecord[] = [];
    for (let i = from; i <= to; i += 1) {
      const entry = reel.entry(i);
      if (!entry) break;
      if (entry.header !== this.#header) {
        this.#header = entry.header;
        this.#stage.begin(entry.header);
        records = [];
      }
      records.push(entry.record);
    }
    // Together, so that only the tiles that are left in the end are decoded.
    this.#stage.apply(records);
  }

  readonly #draw = (frameMs: number): boolean => {
    const supply = this.#supply;
    if (!supply || this.#closed) return false;
    const goneMs = this.#frameMs === null ? 0 : Math.min(FRAME_MS_MAX, Math.max(0, frameMs - this.#frameMs));
    this.#frameMs = frameMs;
    const aheadMs = (supply.reel.last?.atMs ?? -Infinity) - this.#atMs;
    if (aheadMs < AHEAD_MS * Math.max(1, this.#speed)) supply.want();
    if (this.#index === null) return this.#open(supply);
    if (this.#settling) return true;
    const stuck = this.#advance(supply, this.#paused ? 0 : goneMs * this.#speed);
    this.#stage.paint(this.#atMs, this.#browser.movement(), EASE_MS_MAX, "fresh");
    this.#tell(supply, stuck, frameMs);
    return !this.#paused || this.#wishMs !== null;
  };

  /** The first picture of a supply, or the state of waiting for it. */
  #open(supply: Supply): boolean {
    if (supply.reel.length === 0) {
      this.#tell(supply, true, Infinity);
      if (this.#wishMs !== null && supply.state.kind !== "going") this.#start(this.#wishMs);
      return supply.state.kind !== "failed";
    }
    const index = supply.reel.indexAt(this.#atMs);
    this.#show(supply.reel, index, true);
    this.#atMs = Math.max(this.#atMs, supply.reel.entry(index)?.atMs ?? this.#atMs);
    const wish = this.#wishMs;
    this.#wishMs = null;
    if (wish !== null && !this.#holds(supply, wish)) this.#start(wish);
    else if (wish !== null) this.seek(wish);
    else this.#settle();
    return true;
  }

  #settle(): void {
    this.#settling = true;
    void this.#stage.settled().then(() => {
      this.#settling = false;
      this.#frameMs = null;
      this.redraw();
    });
  }

  /** Moves on by so much; says whether it stands because there is nothing more yet. */
  #advance(supply: Supply, byMs: number): boolean {
    const { reel } = supply;
    const index = this.#index ?? 0;
    const now = reel.entry(index);
    const last = reel.last;
    if (!now || !last) return true;
    const next = reel.entry(index + 1);
    let atMs = this.#atMs + byMs;
    if (next && next.atMs - now.atMs >= STATE_HOLDS_MS && atMs > now.atMs + BEFORE_HOLE_MS) atMs = Math.max(atMs, next.atMs);
    // Beyond the newest record nothing is known; what is known to be missing is not waited for.
    const stuck = byMs > 0 && atMs >= last.atMs;
    this.#atMs = Math.min(atMs, Math.max(last.atMs, this.#atMs));
    const target = reel.indexAt(this.#atMs);
    if (target !== index) this.#show(reel, target, false);
    const gone = reel.trim(target);
    if (gone > 0) {
      this.#index = target - gone;
      this.#trimmedMs = reel.first?.atMs ?? -Infinity;
    }
    return stuck;
  }

  #tell(supply: Supply, stuck: boolean, frameMs: number): void {
    const wallMs = this.#atMs;
    const { state } = supply;
    const waiting = stuck || this.#index === null;
    if (waiting && state.kind === "failed") this.#say({ ...state, wallMs });
    else if (waiting && state.kind === "exhausted") this.#say({ kind: "ended", wallMs });
    else if (waiting) this.#say({ kind: "loading", wallMs });
    else if (this.#paused) this.#say({ kind: "paused", wallMs });
    else if (this.#state.kind !== "playing" || Math.abs(frameMs - this.#saidMs) >= SAY_MS) {
      this.#saidMs = frameMs;
      this.#say({ kind: "playing", wallMs });
    }
  }

  #say(state: ArchiveState): void {
    const old = this.#state;
    if (old.kind === state.kind && old.wallMs === state.wallMs) return;
    this.#state = state;
    this.#listener.state(state);
  }
}
