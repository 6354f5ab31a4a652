/** The state of a scene, record after record. No drawing, no clock. */

import type { Figure, Header, Pane, SceneRecord, Why } from "./model";
import { NEVER_SHOWN, UNKNOWN } from "./model";
import { isTileJpeg } from "./jpeg";
import { tileBox } from "./sections";

/** A state holds until the next record, but for no longer than this. */
export const STATE_HOLDS_MS = 5_000;

/** What may be shown, as the records that were applied say. */
export class SceneState {
  #header: Header | null = null;
  #number: number | null = null;
  #atMs = 0;
  #why: Why = "fine";
  #cells = new Uint8Array(0);
  #tiles = new Map<number, Uint8Array>();
  #figures: readonly Figure[] = [];
  #panes: readonly Pane[] = [];
  #cellsVersion = 0;
  #tilesVersion = 0;

  get header(): Header | null {
    return this.#header;
  }

  /** Whether a full record has come since the header. */
  get known(): boolean {
    return this.#number !== null;
  }

  get atMs(): number {
    return this.#atMs;
  }

  get number(): number | null {
    return this.#number;
  }

  get why(): Why {
    return this.#why;
  }

  /** One state a cell, row by row. */
  get cells(): Uint8Array {
    return this.#cells;
  }

  /** Tiles of which something is known: a JPEG each, without its tables. */
  get tiles(): ReadonlyMap<number, Uint8Array> {
    return this.#tiles;
  }

  get figures(): readonly Figure[] {
    return this.#figures;
  }

  get panes(): readonly Pane[] {
    return this.#panes;
  }

  /** Another number, other cells. */
  get cellsVersion(): number {
    return this.#cellsVersion;
  }

  get tilesVersion(): number {
    return this.#tilesVersion;
  }

  /** Begins a stream: nothing is known. */
  begin(header: Header): void {
    this.#header = header;
    this.#number = null;
    this.#cells = new Uint8Array(header.columns * header.rows);
    this.#tiles = new Map();
    this.#figures = [];
    this.#panes = [];
    this.#cellsVersion += 1;
    this.#tilesVersion += 1;
  }

  /** Applies a record, or says `false`: a delta on another state than its own. */
  apply(record: SceneRecord): boolean {
    const header = this.#header;
    if (!header) return false;
    if (!record.full && (this.#number === null || record.number !== (this.#number + 1) % 2 ** 32)) return false;
    this.#number = record.number;
    this.#atMs = record.atMs;
    this.#why = record.why;
    this.#applyCells(record);
    this.#applyTiles(record, header);
    this.#figures = figuresAfter(this.#figures, record);
    this.#panes = panesAfter(this.#panes, record);
    return true;
  }

  /** Whether this delta comes too late: records before it are missing, and only a full one helps. */
  misses(record: SceneRecord): boolean {
    if (record.full || this.#number === null) return false;
    const ahead = (record.number - this.#number + 2 ** 32) % 2 ** 32;
    return ahead > 1 && ahead < 2 ** 31;
  }

  #applyCells(record: SceneRecord): void {
    if (record.cells) this.#cells = record.cells.slice();
    else if (record.full) this.#cells.fill(UNKNOWN);
    for (const { from, count, state } of record.changes ?? []) this.#cells.fill(state, from, from + count);
    if (record.full || record.cells || record.changes) this.#cellsVersion += 1;
  }

  #applyTiles(record: SceneRecord, header: Header): void {
    if (record.full) this.#tiles = new Map();
    for (const number of record.forgotten ?? []) this.#tiles.delete(number);
    for (const { number, body } of record.tiles ?? []) {
      const { left, top, right, bottom } = tileBox(number, header);
      // One that no decoder would take is drawn as unknown, and drawing goes on.
      if (isTileJpeg(body, right - left, bottom - top)) this.#tiles.set(number, body);
      else this.#tiles.delete(number);
    }
    if (record.full || record.forgotten || record.tiles) {
      this.#tilesVersion += 1;
    }
  }
}

/** The figures after a record: a delta without any leaves them as they are. */
export function figuresAfter(before: readonly Figure[], record: SceneRecord): readonly Figure[] {
  return record.figures ?? (record.full ? [] : before);
}

/** Likewise the windows. */
export function panesAfter(before: readonly Pane[], record: SceneRecord): readonly Pane[] {
  return record.panes ?? (record.full ? [] : before);
}

export interface Coverage {
  /** Share of the cells that may be shown of which something is known, 0 to 1. */
  known: number;
  /** Whether any cell is in an excluded zone. */
  excluded: boolean;
  unknown: boolean;
}

/** How much of the place is known. */
export function coverageOf(cells: Uint8Array): Coverage {
  let unknown = 0;
  let never = 0;
  for (const state of cells) {
    if (state === UNKNOWN) unknown += 1;
    else if (state === NEVER_SHOWN) never += 1;
  }
  const shown = cells.length - never;
  return { known: shown === 0 ? 0 : 1 - unknown / shown, excluded: never > 0, unknown: unknown > 0 };
}
