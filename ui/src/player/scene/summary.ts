/** What a scene says, in a few numbers: for words beside the picture and for those who do not see it. */

import type { FigureKind, Why } from "./model";
import { coverageOf, type Coverage, type SceneState } from "./state";

export interface Summary {
  why: Why;
  /** How many of each kind are there now. */
  counts: Partial<Record<FigureKind, number>>;
  coverage: Coverage;
}

const WORDS: Record<FigureKind, [one: string, many: string]> = {
  person: ["1 person", "people"],
  vehicle: ["1 vehicle", "vehicles"],
  animal: ["1 animal", "animals"],
  parcel: ["1 parcel", "parcels"],
  moving: ["1 thing that moves", "things that move"],
};

/** "2 people, 1 vehicle", or "nobody in view". */
export function countWords(counts: Summary["counts"]): string {
  const words = (Object.keys(WORDS) as FigureKind[]).flatMap((kind) => {
    const count = counts[kind] ?? 0;
    if (count === 0) return [];
    return count === 1 ? WORDS[kind][0] : `${String(count)} ${WORDS[kind][1]}`;
  });
  return words.length === 0 ? "nobody in view" : words.join(", ");
}

/** Summaries of one state, made anew only where something changed. */
export class Summarizer {
  #coverage: Coverage = { known: 0, excluded: false, unknown: true };
  #cellsVersion = -1;
  #key = "";

  /** The summary, or `null` when it is the one given before. */
  next(state: SceneState): Summary | null {
    if (this.#cellsVersion !== state.cellsVersion) {
      this.#cellsVersion = state.cellsVersion;
      this.#coverage = coverageOf(state.cells);
    }
    const counts: Summary["counts"] = {};
    for (const { kind } of state.figures) counts[kind] = (counts[kind] ?? 0) + 1;
    const coverage = { ...this.#coverage, known: Math.floor(this.#coverage.known * 100) / 100 };
    const summary = { why: state.why, counts, coverage };
    const key = JSON.stringify(summary);
    if (key === this.#key) return null;
    this.#key = key;
    return summary;
  }
}
