/** The sections of a record (`docs/format-scene.md`, "Sections"); what does not fit throws `Damage`. */

import { Bytes, must } from "../../lib/bytes";
import { isTileJpeg } from "./jpeg";
import type { Box, CellRun, Figure, FigureKind, Header, Pane, Tile } from "./model";

export const FIGURES_MAX = 512;
export const PANES_MAX = 64;
const PANE_BYTES_MAX = 1_048_576;

const KINDS: readonly FigureKind[] = ["moving", "person", "vehicle", "animal", "parcel"];

/** A kind that this page does not know may be a person, like one that nobody knows. */
function kindOf(byte: number): FigureKind {
  return KINDS[byte] ?? "moving";
}

function run(from: Bytes): { state: number; count: number } {
  const value = from.leb();
  const count = value >>> 2;
  must(count > 0);
  return { state: value & 3, count };
}

export function readCells(body: Bytes, { columns, rows }: Header): Uint8Array {
  const cells = new Uint8Array(columns * rows);
  let at = 0;
  while (body.left > 0) {
    const { state, count } = run(body);
    must(at + count <= cells.length);
    cells.fill(state, at, at + count);
    at += count;
  }
  must(at === cells.length);
  return cells;
}

export function readChanges(body: Bytes, { columns, rows }: Header): CellRun[] {
  const out: CellRun[] = [];
  let at = 0;
  while (body.left > 0) {
    at += body.leb();
    const { state, count } = run(body);
    must(at + count <= columns * rows);
    out.push({ from: at, count, state });
    at += count;
  }
  return out;
}

/** Where a tile lies; those at the right and lower edge are cut. */
export function tileBox(number: number, header: Header): Box {
  const left = (number % header.tilesAcross) * header.tile;
  const top = Math.floor(number / header.tilesAcross) * header.tile;
  return {
    left,
    top,
    right: Math.min(header.width, left + header.tile),
    bottom: Math.min(header.height, top + header.tile),
  };
}

export function readTiles(body: Bytes, header: Header): Tile[] {
  const count = body.u16();
  const out: Tile[] = [];
  let last = -1;
  for (let i = 0; i < count; i += 1) {
    const number = body.u16();
    must(number > last && number < header.tilesAcross * header.tilesDown);
    last = number;
    // A copy, so that one tile does not keep the whole message.
    out.push({ number, body: body.take(body.u16()).slice() });
  }
  must(body.left === 0);
  return out;
}

export function readForgotten(body: Bytes, header: Header): number[] {
  const out: number[] = [];
  while (body.left > 0) {
    const number = body.u16();
    must(number < header.tilesAcross * header.tilesDown);
    out.push(number);
  }
  return out;
}

function box(body: Bytes, header: Header): Box {
  const out = { left: body.u16(), top: body.u16(), right: body.u16(), bottom: body.u16() };
  must(out.left < out.right && out.right <= header.width && out.top < out.bottom && out.bottom <= header.height);
  return out;
}

export function readFigures(body: Bytes, header: Header): Figure[] {
  const count = body.u16();
  must(count <= FIGURES_MAX);
  const out: Figure[] = [];
  for (let i = 0; i < count; i += 1) {
    const track = body.u32();
    const kind = kindOf(body.u8());
    body.skip(1);
    out.push({ track, kind, ...box(body, header), vx: body.i16(), vy: body.i16() });
  }
  must(body.left === 0);
  return out;
}

export function readPanes(body: Bytes, header: Header): Pane[] {
  const count = body.u16();
  must(count <= PANES_MAX);
  const out: Pane[] = [];
  for (let i = 0; i < count; i += 1) {
    const track = body.u32();
    const kind = kindOf(body.u8());
    body.skip(1);
    const at = box(body, header);
    const bytes = body.u32();
    must(bytes <= PANE_BYTES_MAX);
    const jpeg = body.take(bytes);
    // A person is never a window, whatever a file says; and what no decoder takes is none.
    if (kind === "moving" || kind === "person" || !isTileJpeg(jpeg, at.right - at.left, at.bottom - at.top)) continue;
    out.push({ track, kind, ...at, body: jpeg.slice() });
  }
  must(body.left === 0);
  return out;
}
