/** Reads a scene stream (`docs/format-scene.md`). Whatever the bytes are, it does not throw and takes no memory on trust. */

import { Bytes, Damage, must } from "../../lib/bytes";
import type { Header, SceneItem, SceneRecord, Why } from "./model";
import { readCells, readChanges, readFigures, readForgotten, readPanes, readTiles } from "./sections";

const BOX_BYTES_MAX = 8_388_608;
const VERSION = 1;
const SIDE_MAX = 8192;
const TABLE_BYTES_MAX = 4096;
const CELLS_MAX = 65_536;
const TILES_MAX = 16_384;

const REASONS: readonly Why[] = ["fine", "starting", "light_changed", "camera_moved", "covered", "late", "no_pictures"];

const name = (text: string): number => [...text].reduce((sum, c) => sum * 256 + c.charCodeAt(0), 0);
const HEADER = name("lvsh");
const FULL = name("lvsf");
const DELTA = name("lvsd");
const END = name("lvse");

/** Reads boxes as they come, each part of bytes holding whole ones. */
export class SceneParser {
  #header: Header | null = null;
  /** A header of a version that this page does not know came: what follows it cannot be read. */
  #foreign = false;

  get foreign(): boolean {
    return this.#foreign;
  }

  /** Everything that can be read; what is damaged is left out. */
  read(bytes: Uint8Array): SceneItem[] {
    const out: SceneItem[] = [];
    const from = new Bytes(bytes);
    while (from.left >= 8) {
      const size = from.u32();
      const type = from.u32();
      if (size < 8 || size > BOX_BYTES_MAX || size - 8 > from.left) break;
      const item = this.#box(type, from.take(size - 8));
      if (item) out.push(item);
    }
    return out;
  }

  #box(type: number, body: Uint8Array): SceneItem | null {
    try {
      switch (type) {
        case HEADER:
          return this.#begin(body);
        case FULL:
        case DELTA:
          return this.#header ? { kind: "record", record: readRecord(body, this.#header, type === FULL) } : null;
        case END:
          return { kind: "end", nextMs: readEnd(body) };
        default:
          return null;
      }
    } catch (problem) {
      if (problem instanceof Damage) return null;
      throw problem;
    }
  }

  #begin(body: Uint8Array): SceneItem | null {
    // Until it is read, nothing that follows may be laid on the old one.
    const before = this.#header;
    this.#header = null;
    this.#foreign = body[0] !== undefined && body[0] !== VERSION;
    const header = readHeader(body);
    this.#header = header;
    return before && sameBytes(before.bytes, header.bytes) ? null : { kind: "header", header };
  }
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a === b || (a.byteLength === b.byteLength && a.every((byte, i) => byte === b[i]));
}

function readHeader(body: Uint8Array): Header {
  const from = new Bytes(body);
  must(from.u8() === VERSION);
  from.skip(1);
  const [width, height, cell, tile] = [from.u16(), from.u16(), from.u16(), from.u16()];
  from.skip(2 + 8);
  const tables = from.u32();
  const even = (n: number, most: number): boolean => n >= 2 && n <= most && n % 2 === 0;
  must(even(width, SIDE_MAX) && even(height, SIDE_MAX) && even(cell, 256));
  must(tile >= 16 && tile <= 256 && tile % 16 === 0);
  must(tables >= 2 && tables <= TABLE_BYTES_MAX && tables === from.left);
  const columns = Math.ceil(width / cell);
  const rows = Math.ceil(height / cell);
  const tilesAcross = Math.ceil(width / tile);
  const tilesDown = Math.ceil(height / tile);
  must(columns * rows <= CELLS_MAX && tilesAcross * tilesDown <= TILES_MAX);
  const bytes = body.slice();
  return { bytes, width, height, cell, columns, rows, tile, tilesAcross, tilesDown, tables: bytes.subarray(bytes.length - tables) };
}

function readRecord(body: Uint8Array, header: Header, full: boolean): SceneRecord {
  const from = new Bytes(body);
  const atMs = from.timeMs();
  const number = from.u32();
  const why = REASONS[from.u8()] ?? "other";
  from.skip(3);
  const record: SceneRecord = { full, number, atMs, why };
  const seen = new Set<number>();
  while (from.left > 0) {
    const kind = from.u8();
    const section = new Bytes(from.take(from.u24()));
    must(!seen.has(kind));
    if (kind >= 1 && kind <= 6) seen.add(kind);
    readSection(record, kind, section, header);
  }
  return record;
}

function readSection(record: SceneRecord, kind: number, section: Bytes, header: Header): void {
  switch (kind) {
    case 1:
      record.cells = readCells(section, header);
      return;
    case 2:
      if (!record.full) record.changes = readChanges(section, header);
      return;
    case 3:
      record.tiles = readTiles(section, header);
      return;
    case 4:
      record.figures = readFigures(section, header);
      return;
    case 5:
      record.panes = readPanes(section, header);
      return;
    case 6:
      if (!record.full) record.forgotten = readForgotten(section, header);
      return;
    default:
      return;
  }
}

function readEnd(body: Uint8Array): number | null {
  const from = new Bytes(body);
  must(from.left === 8);
  const ms = from.timeMs();
  return ms === 0 ? null : ms;
}
