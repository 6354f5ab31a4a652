/** Writes scene streams (`docs/format-scene.md`) for the stand-in server and for tests. */

const u16 = (n: number): number[] => [(n >> 8) & 255, n & 255];
const u24 = (n: number): number[] => [(n >> 16) & 255, ...u16(n)];
const u32 = (n: number): number[] => [(n >>> 24) & 255, ...u24(n)];

function time(ms: number): number[] {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigInt64(0, BigInt(Math.round(ms * 1000)));
  return [...bytes];
}

function box(type: string, body: Uint8Array): Uint8Array {
  const out = new Uint8Array(8 + body.length);
  out.set(u32(out.length));
  out.set([...type].map((c) => c.charCodeAt(0)), 4);
  out.set(body, 8);
  return out;
}

export interface Shape {
  width: number;
  height: number;
  cell: number;
  tile: number;
  tables: Uint8Array;
}

export function headerBox(shape: Shape, beganMs: number): Uint8Array {
  const { width, height, cell, tile, tables } = shape;
  const head = [1, 0, ...u16(width), ...u16(height), ...u16(cell), ...u16(tile), 0, 0, ...time(beganMs), ...u32(tables.length)];
  return box("lvsh", Uint8Array.from([...head, ...tables]));
}

export interface FigureBytes {
  track: number;
  /** 0 moving, 1 person, 2 vehicle, 3 animal, 4 parcel. */
  kind: number;
  at: [left: number, top: number, right: number, bottom: number];
  speed: [x: number, y: number];
}

export interface RecordBytes {
  full: boolean;
  atMs: number;
  number: number;
  why?: number;
  cells?: Uint8Array;
  tiles?: { number: number; body: Uint8Array }[];
  figures?: FigureBytes[];
}

function leb(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...leb(value >>> 7)];
}

function cellsOf(cells: Uint8Array): number[] {
  const out: number[] = [];
  for (let at = 0; at < cells.length; ) {
    let end = at + 1;
    while (end < cells.length && cells[end] === cells[at]) end += 1;
    out.push(...leb(((end - at) << 2) | (cells[at] ?? 0)));
    at = end;
  }
  return out;
}

function figureOf({ track, kind, at, speed }: FigureBytes): number[] {
  return [...u32(track), kind, 0, ...at.flatMap(u16), ...speed.flatMap((v) => u16(v & 0xffff))];
}

export function recordBox(record: RecordBytes): Uint8Array {
  const sections: number[] = [];
  const section = (kind: number, body: number[]): void => {
    sections.push(kind, ...u24(body.length));
    for (const byte of body) sections.push(byte);
  };
  if (record.cells) section(1, cellsOf(record.cells));
  if (record.tiles) {
    section(3, [
      ...u16(record.tiles.length),
      ...record.tiles.flatMap(({ number, body }) => [...u16(number), ...u16(body.length), ...body]),
    ]);
  }
  if (record.figures) section(4, [...u16(record.figures.length), ...record.figures.flatMap(figureOf)]);
  const head = [...time(record.atMs), ...u32(record.number), record.why ?? 0, 0, 0, 0];
  return box(record.full ? "lvsf" : "lvsd", Uint8Array.from([...head, ...sections]));
}

export function endBox(nextMs: number | null): Uint8Array {
  return box("lvse", Uint8Array.from(nextMs === null ? new Array<number>(8).fill(0) : time(nextMs)));
}
