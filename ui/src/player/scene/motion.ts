/** Where figures are drawn between two pictures: numbers in, numbers out. */

import type { Box, Figure, FigureKind, Pane } from "./model";
import { STATE_HOLDS_MS } from "./state";

/** A figure as it is drawn: edges in picture pixels, not rounded. */
export interface DrawnFigure extends Box {
  track: number;
  kind: FigureKind;
  /** 0 (not there) to 1. */
  alpha: number;
  /** The thing itself is shown there: its figure is an outline. */
  outline: boolean;
}

/** The figures of one picture, at its time. */
export interface Sample {
  atMs: number;
  figures: readonly Figure[];
  panes: readonly Pane[];
}

export type Movement = "smooth" | "reduced";

/** A figure takes this long to come and to go, so that a short flicker of the tracker is not a flash on the wall. */
export const APPEAR_MS = 140;
export const VANISH_MS = 260;
/** A figure that was moved glides to its next place in this time at most; before that it stands where it was seen. */
export const EASE_MS_MAX = 300;
/**
 * Boxes are snapped to a coarse grid, each edge by itself: drawn as they come they hop, and their width flutters. The mean of
 * their way over this time, about what a walker takes from one step of the grid to the next, runs evenly; it lies half of it behind.
 */
export const SMOOTH_MS = 400;
const SMOOTH_STEPS = 4;
const SAMPLES_MAX = 64;

interface Kept extends Sample {
  byTrack: ReadonlyMap<number, Figure>;
}

/** The last pictures' figures, and what to draw at any moment between them. */
export class Motion {
  #samples: Kept[] = [];
  /** When each track of the newest picture was first seen. */
  #since = new Map<number, number>();

  get newestMs(): number | null {
    return this.#samples.at(-1)?.atMs ?? null;
  }

  /** Forgets everything: a seek, a new connection. */
  clear(): void {
    this.#samples = [];
    this.#since.clear();
  }

  /** Takes the next picture's figures. The same moment again replaces it; an earlier one begins anew. */
  push(sample: Sample): void {
    const last = this.#samples.at(-1);
    if (last && sample.atMs < last.atMs) this.clear();
    else if (sample.atMs === last?.atMs) this.#samples.pop();
    // Those of the first picture were there before anybody looked: they do not appear, they are.
    const sinceMs = this.#samples.length === 0 ? -Infinity : sample.atMs;
    const since = new Map<number, number>();
    for (const { track } of sample.figures) since.set(track, this.#since.get(track) ?? sinceMs);
    this.#since = new Map([...this.#recent(sample.atMs), ...since]);
    this.#samples.push({ ...sample, byTrack: new Map(sample.figures.map((f) => [f.track, f])) });
    if (this.#samples.length > SAMPLES_MAX) this.#samples.shift();
  }

  /** Tracks that may still be on screen, going. */
  *#recent(atMs: number): Generator<[number, number]> {
    for (const sample of this.#samples) {
      if (atMs - sample.atMs > STATE_HOLDS_MS + VANISH_MS) continue;
      for (const track of sample.byTrack.keys()) {
        const since = this.#since.get(track);
        if (since !== undefined) yield [track, since];
      }
    }
  }

  /** Lets go of what is not needed to draw at `atMs` or later. */
  trim(atMs: number): void {
    const keep = this.#samples.findLastIndex((s) => s.atMs <= atMs - VANISH_MS - SMOOTH_MS);
    // One more: what it had and the next has not is still fading.
    if (keep > 1) this.#samples.splice(0, keep - 1);
  }

  /** The windows of the picture that is shown at a moment. They do not glide: each is the picture of one moment. */
  panesAt(atMs: number): readonly Pane[] {
    const now = this.#samples.findLast((s) => s.atMs <= atMs);
    return now && atMs - now.atMs < STATE_HOLDS_MS ? now.panes : [];
  }

  /**
   * What to draw at a moment, in the order of drawing. `easeMs`: how long before its next picture a figure sets out; no more
   * than what is shown lies behind the newest picture, or it would have to jump.
   */
  at(atMs: number, movement: Movement = "smooth", easeMs = EASE_MS_MAX): DrawnFigure[] {
    const index = this.#samples.findLastIndex((s) => s.atMs <= atMs);
    const now = this.#samples[index];
    if (!now) return [];
    const standsMs = atMs - now.atMs;
    const shown = new Set(now.panes.map((p) => p.track));
    if (movement === "reduced") {
      return standsMs >= STATE_HOLDS_MS ? [] : now.figures.map((f) => drawn(f, f, 1, shown.has(f.track)));
    }
    // Nobody knows where it is after that.
    const held = 1 - clamp((standsMs - STATE_HOLDS_MS) / VANISH_MS);
    if (held <= 0) return [];
    const out = this.#going(index, atMs, easeMs);
    for (const figure of now.figures) {
      const alpha = held * this.#arrived(figure.track, atMs);
      if (alpha <= 0) continue;
      const isShown = shown.has(figure.track);
      const box = isShown ? figure : this.#evenBox(figure, atMs, easeMs);
      out.push(drawn(figure, box, alpha, isShown));
    }
    return out;
  }

  /** Whether what is drawn changes after `atMs` without a new picture. */
  moves(atMs: number): boolean {
    const newest = this.#samples.at(-1);
    if (!newest || atMs >= newest.atMs + STATE_HOLDS_MS + VANISH_MS) return false;
    if (atMs < newest.atMs + Math.max(APPEAR_MS, VANISH_MS, SMOOTH_MS)) return this.#samples.some((s) => s.figures.length > 0);
    // All stand; what is left is to take them away in time.
    return newest.figures.length > 0 && atMs >= newest.atMs + STATE_HOLDS_MS;
  }

  /** The mean of a figure's way up to a moment; before it was seen first it is taken to have stood there. */
  #evenBox(figure: Figure, atMs: number, easeMs: number): Box {
    const firstMs = Math.max(this.#since.get(figure.track) ?? -Infinity, this.#samples[0]?.atMs ?? atMs);
    const sum: Box = { left: 0, top: 0, right: 0, bottom: 0 };
    let box: Box = figure;
    for (let i = 0; i <= SMOOTH_STEPS; i += 1) {
      box = this.#boxAt(figure.track, Math.max(firstMs, atMs - (i * SMOOTH_MS) / SMOOTH_STEPS), easeMs) ?? box;
      sum.left += box.left;
      sum.top += box.top;
      sum.right += box.right;
      sum.bottom += box.bottom;
    }
    const count = SMOOTH_STEPS + 1;
    return { left: sum.left / count, top: sum.top / count, right: sum.right / count, bottom: sum.bottom / count };
  }

  /** Where a figure is at a moment, gliding from picture to picture. */
  #boxAt(track: number, atMs: number, easeMs: number): Box | null {
    const index = this.#samples.findLastIndex((s) => s.atMs <= atMs);
    const from = this.#samples[index]?.byTrack.get(track);
    if (!from) return null;
    const next = this.#samples[index + 1];
    const to = next?.byTrack.get(track);
    const spanMs = next ? Math.min(next.atMs - (this.#samples[index]?.atMs ?? 0), easeMs, EASE_MS_MAX) : 0;
    if (!next || !to || atMs <= next.atMs - spanMs) return from;
    return glide(from, to, atMs - next.atMs + spanMs, spanMs);
  }

  #arrived(track: number, atMs: number): number {
    const since = this.#since.get(track);
    return since === undefined || since === -Infinity ? 1 : clamp((atMs - since) / APPEAR_MS);
  }

  /** Those that an earlier picture had and this one has not, where they were last, fading. */
  #going(index: number, atMs: number, easeMs: number): DrawnFigure[] {
    const out: DrawnFigure[] = [];
    const gone = new Set<number>(this.#samples[index]?.byTrack.keys());
    for (let i = index - 1; i >= 0; i -= 1) {
      const sample = this.#samples[i];
      const after = this.#samples[i + 1];
      if (!sample || !after || atMs - after.atMs >= VANISH_MS) break;
      for (const figure of sample.figures) {
        if (gone.has(figure.track)) continue;
        gone.add(figure.track);
        const box = this.#evenBox(figure, after.atMs, easeMs);
        out.push(drawn(figure, box, 1 - clamp((atMs - after.atMs) / VANISH_MS), false));
      }
    }
    return out;
  }
}

function clamp(share: number): number {
  return Math.min(1, Math.max(0, share));
}

function drawn({ track, kind }: Figure, { left, top, right, bottom }: Box, alpha: number, outline: boolean): DrawnFigure {
  return { track, kind, left, top, right, bottom, alpha, outline };
}

/**
 * Between two pictures of one figure: a curve through both places with both speeds, held inside what the two boxes span, so
 * that a wrong speed never shows a figure where nothing was seen.
 */
function glide(from: Figure, to: Figure, sinceMs: number, spanMs: number): Box {
  const share = clamp(sinceMs / spanMs);
  const spanS = spanMs / 1000;
  const edge = (a: number, b: number, va: number, vb: number): number => {
    const at = hermite(share, a, b, va * spanS, vb * spanS);
    return Math.min(Math.max(a, b), Math.max(Math.min(a, b), at));
  };
  return {
    left: edge(from.left, to.left, from.vx, to.vx),
    top: edge(from.top, to.top, from.vy, to.vy),
    right: edge(from.right, to.right, from.vx, to.vx),
    bottom: edge(from.bottom, to.bottom, from.vy, to.vy),
  };
}

function hermite(s: number, a: number, b: number, da: number, db: number): number {
  const s2 = s * s;
  const s3 = s2 * s;
  return (2 * s3 - 3 * s2 + 1) * a + (s3 - 2 * s2 + s) * da + (3 * s2 - 2 * s3) * b + (s3 - s2) * db;
}
