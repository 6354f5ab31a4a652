/** A stretch of recording: its records in order, and which of them makes up a moment. No drawing, no clock. */

import type { Header, SceneItem, SceneRecord } from "./model";
import { SceneParser } from "./parse";

export interface Entry {
  header: Header;
  record: SceneRecord;
  /** When it is shown, ms since 1970: its own time, but never before that of the one in front of it. */
  atMs: number;
}

/** What an answer was. */
export interface Taken {
  /** How many records came that were not there before. */
  added: number;
  /** The answer was whole, `nextMs` says where to go on if it did not reach its end; `null`: it broke off. */
  end: { nextMs: number | null } | null;
}

/** Records of more than this are let go of behind what is shown. */
const BEHIND_MS = 120_000;

export class Reel {
  readonly #parser = new SceneParser();
  #header: Header | null = null;
  #entries: Entry[] = [];

  get length(): number {
    return this.#entries.length;
  }

  get foreign(): boolean {
    return this.#parser.foreign;
  }

  entry(index: number): Entry | undefined {
    return this.#entries[index];
  }

  get first(): Entry | undefined {
    return this.#entries[0];
  }

  get last(): Entry | undefined {
    return this.#entries.at(-1);
  }

  /** Takes the bytes of an answer that goes on where the last one ended. */
  append(bytes: Uint8Array): Taken {
    const taken: Taken = { added: 0, end: null };
    for (const item of this.#parser.read(bytes)) this.#take(item, taken);
    return taken;
  }

  #take(item: SceneItem, taken: Taken): void {
    switch (item.kind) {
      case "header":
        this.#header = item.header;
        return;
      case "end":
        taken.end = { nextMs: item.nextMs };
        return;
      case "record":
        if (this.#header && this.#add(this.#header, item.record)) taken.added += 1;
        return;
      default:
        item satisfies never;
    }
  }

  /** An answer begins with the state that the one before it ended with. */
  #add(header: Header, record: SceneRecord): boolean {
    const last = this.#entries.at(-1);
    if (last?.header === header && last.record.number === record.number && last.record.atMs === record.atMs) return false;
    this.#entries.push({ header, record, atMs: Math.max(record.atMs, last?.atMs ?? record.atMs) });
    return true;
  }

  /** The record that makes up a moment: the last one not after it; the first one where there is none. */
  indexAt(ms: number): number {
    let [low, high] = [0, this.#entries.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#entries[middle]?.atMs ?? Infinity) <= ms) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }

  /** The full record that the state after `index` grows from. */
  rootOf(index: number): number {
    for (let i = index; i > 0; i -= 1) {
      if (this.#entries[i]?.record.full) return i;
    }
    return 0;
  }

  /** Lets go of what lies far behind; says how many records went. */
  trim(index: number): number {
    const at = this.#entries[index];
    if (!at) return 0;
    const root = this.rootOf(this.indexAt(at.atMs - BEHIND_MS));
    if (root > 0) this.#entries.splice(0, root);
    return root;
  }
}
