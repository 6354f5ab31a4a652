/** Made-up scenes: drawn places with figures that walk by the clock, so that live and archive agree. */
import { codePlace, drawPlace, HEIGHT, TILE, WIDTH, type Coded } from "./place";
import { endBox, headerBox, recordBox, type FigureBytes, type RecordBytes, type Shape } from "./scene-bytes";

const CELL = 4;
const COLUMNS = WIDTH / CELL;
const ROWS = HEIGHT / CELL;
export const EVERY_MS = 125;
const BEGAN_MS = 1_700_000_000_000;

const FINE = 0;
const UNKNOWN = 0;
const CLEAR = 1;
const NEVER = 3;

export interface Place {
  coded: Coded;
  shape: Shape;
  variant: number;
}

export function makePlace(variant: number): Place {
  const coded = codePlace(drawPlace(variant));
  return { coded, variant, shape: { width: WIDTH, height: HEIGHT, cell: CELL, tile: TILE, tables: coded.tables } };
}

/** There and back in `periodMs`, -1 to 1. */
function swing(ms: number, periodMs: number): number {
  return Math.sin((ms / periodMs) * 2 * Math.PI);
}

function figure(track: number, kind: number, x: number, foot: number, size: [number, number], vx: number): FigureBytes | null {
  const snap = (v: number, most: number): number => Math.max(0, Math.min(most, Math.round(v / 8) * 8));
  const at: FigureBytes["at"] = [
    snap(x - size[0] / 2, WIDTH), snap(foot - size[1], HEIGHT), snap(x + size[0] / 2, WIDTH), snap(foot, HEIGHT),
  ];
  if (at[0] >= at[2] || at[1] >= at[3]) return null;
  return { track, kind, at, speed: [Math.round(vx / 8) * 8, 0] };
}

function figuresAt(place: Place, ms: number): FigureBytes[] {
  const t = ms + place.variant * 7_700;
  const out: (FigureBytes | null)[] = [];
  const walk = (track: number, periodMs: number, foot: number, size: [number, number], middle: number, wide: number): void => {
    const vx = (wide * 2 * Math.PI * Math.cos((t / periodMs) * 2 * Math.PI) * 1000) / periodMs;
    out.push(figure(track, 1, middle + swing(t, periodMs) * wide, foot, size, vx));
  };
  walk(11, 41_000, 182, [16, 44], 300, 240);
  walk(12, 29_000, 236, [24, 72], 330, 290);
  if (place.variant !== 2) out.push(figure(13, 1, 600, 226, [32, 56], 0));
  const car = (t % 21_000) / 21_000;
  if (car < 0.5) out.push(figure(1000 + Math.floor(t / 21_000), 2, -90 + car * 1640, 344, [168, 72], 78));
  const dog = (t % 33_000) / 33_000;
  if (dog < 0.6) out.push(figure(2000 + Math.floor(t / 33_000), 3, 680 - dog * 1200, 258, [40, 32], -36));
  if (place.variant % 2 === 1 && t % 17_000 < 6_000) out.push(figure(3000 + Math.floor(t / 17_000), 0, 150 + (t % 17_000) / 60, 214, [32, 32], 16));
  return out.filter((f) => f !== null).sort((a, b) => a.at[3] - b.at[3]);
}

/** The fourth camera is still learning its place; the first one has a window that is never shown. */
function cellsAt(place: Place): Uint8Array {
  const cells = new Uint8Array(COLUMNS * ROWS).fill(CLEAR);
  for (let row = 0; row < ROWS; row += 1) {
    for (let column = 0; column < COLUMNS; column += 1) {
      const at = row * COLUMNS + column;
      if (place.variant === 3 && Math.sin(column / 9) + Math.cos(row / 7 + column / 23) > 0.15) cells[at] = UNKNOWN;
      if (place.variant === 0 && column > 20 && column < 44 && row > 13 && row < 28) cells[at] = NEVER;
      if (place.variant === 1 && column > 78 && column < 92 && row > 40 && row < 62) cells[at] = UNKNOWN;
    }
  }
  return cells;
}

function recordAt(place: Place, n: number, full: boolean): Uint8Array {
  const atMs = n * EVERY_MS;
  const record: RecordBytes = {
    full,
    atMs,
    number: n % 2 ** 32,
    why: place.variant === 3 ? 1 : FINE,
    figures: figuresAt(place, atMs),
  };
  if (full) {
    record.cells = cellsAt(place);
    record.tiles = place.coded.tiles;
  }
  return recordBox(record);
}

/** What a viewer gets first, and with each picture. */
export function liveStart(place: Place, nowMs: number): { bytes: Uint8Array; number: number } {
  const n = Math.floor(nowMs / EVERY_MS);
  return { bytes: Buffer.concat([headerBox(place.shape, BEGAN_MS), recordAt(place, n, true)]), number: n };
}

export function liveNext(place: Place, number: number): Uint8Array {
  return recordAt(place, number, false);
}

/** The scenes of a time, as the archive answers; `isRecorded` says where there are any. */
export function archiveAnswer(place: Place, fromMs: number, toMs: number, isRecorded: (ms: number) => boolean): Uint8Array {
  const parts: Uint8Array[] = [];
  const end = Math.min(toMs, Date.now(), fromMs + 600_000) / EVERY_MS;
  let last = -1;
  for (let n = Math.floor(fromMs / EVERY_MS); n < end; n += 1) {
    if (!isRecorded(n * EVERY_MS)) continue;
    if (parts.length === 0) parts.push(headerBox(place.shape, BEGAN_MS));
    parts.push(recordAt(place, n, last !== n - 1));
    last = n;
  }
  return Buffer.concat([...parts, endBox(toMs > fromMs + 600_000 ? fromMs + 600_000 : null)]);
}
