import { readFileSync } from "node:fs";

import fc from "fast-check";
import { expect, test } from "vitest";

import { hex, joined, tileBody, VECTOR } from "./fixtures";
import { isTileJpeg } from "./jpeg";
import type { Header, SceneRecord } from "./model";
import { SceneParser } from "./parse";
import { coverageOf, SceneState } from "./state";

/** Reads all of it into a state; also which records were applied. */
function read(...parts: Uint8Array[]): { state: SceneState; applied: number[] } {
  const parser = new SceneParser();
  const state = new SceneState();
  const applied: number[] = [];
  for (const item of parts.flatMap((part) => parser.read(part))) {
    if (item.kind === "header") state.begin(item.header);
    if (item.kind === "record" && state.apply(item.record)) applied.push(item.record.number);
  }
  return { state, applied };
}

function headerOf(bytes: Uint8Array): Header {
  const item = new SceneParser().read(bytes)[0];
  if (item?.kind !== "header") throw new Error("no header");
  return item.header;
}

const ALL = joined(VECTOR.header, VECTOR.full7, VECTOR.delta8, VECTOR.delta9, VECTOR.delta11, VECTOR.delta10);

test("the bytes of the format's description mean what it says", () => {
  const { state, applied } = read(ALL);
  expect(applied).toEqual([7, 8, 9, 10]);
  expect(state.number).toBe(10);
  expect(state.why).toBe("no_pictures");
  expect([...state.cells]).toEqual([...Array<number>(8).fill(0), ...Array<number>(4).fill(2), ...Array<number>(16).fill(1), ...Array<number>(4).fill(3)]);
  expect(state.figures).toEqual([]);
  expect(state.tiles.size).toBe(0);
  expect(coverageOf(state.cells)).toEqual({ known: 20 / 28, excluded: true, unknown: true });
});

test("the committed stream with tiles is read as its writer means it", () => {
  const { state, applied } = read(hex(readFileSync("../crates/louver-codec/tests/vectors/scene-v1.hex", "utf8")));
  expect(applied).toHaveLength(3);
  expect(state.header).toMatchObject({ width: 150, height: 90 });
  const { header } = state;
  // Every tile that came says the size that its place has, those cut by the edge too.
  expect(state.tiles.size).toBe((header?.tilesAcross ?? 0) * (header?.tilesDown ?? 0));
  expect(state.figures).toEqual([{ track: 0xc0ffee, kind: "person", left: 32, top: 16, right: 64, bottom: 80, vx: 24, vy: -8 }]);
  expect(coverageOf(state.cells).excluded).toBe(true);
});

test("the header says sizes and counts", () => {
  expect(headerOf(VECTOR.header)).toMatchObject({
    width: 32, height: 16, cell: 4, columns: 8, rows: 4, tile: 16, tilesAcross: 2, tilesDown: 1, tables: new Uint8Array([0xff, 0xd8]),
  });
});

test("figures carry box, kind and speed", () => {
  const { state } = read(VECTOR.header, VECTOR.full7, VECTOR.delta8);
  expect(state.figures).toEqual([
    { track: 0x01020304, kind: "person", left: 0, top: 0, right: 16, bottom: 16, vx: -24, vy: 0 },
    { track: 9, kind: "vehicle", left: 16, top: 0, right: 32, bottom: 16, vx: 0, vy: 40 },
  ]);
  expect(state.atMs % 1000).toBe(100);
});

test("a delta after a missing one is not applied, and a full record begins anew", () => {
  const { state, applied } = read(VECTOR.header, VECTOR.full7, VECTOR.delta9, VECTOR.delta10, VECTOR.full7, VECTOR.delta8);
  expect(applied).toEqual([7, 7, 8]);
  expect(state.figures).toHaveLength(2);
});

test("the same header again changes nothing; another one forgets everything", () => {
  const other = VECTOR.header.slice();
  other[27] = 1;
  expect(read(VECTOR.header, VECTOR.full7, VECTOR.header).state.known).toBe(true);
  const { state } = read(VECTOR.header, VECTOR.full7, other);
  expect(state.known).toBe(false);
  expect([...state.cells]).toEqual(Array<number>(32).fill(0));
});

test("after a header of another version nothing is read, and that is known", () => {
  const newer = VECTOR.header.slice();
  newer[8] = 2;
  const parser = new SceneParser();
  expect(parser.read(joined(VECTOR.header, newer, VECTOR.full7)).map((i) => i.kind)).toEqual(["header"]);
  expect(parser.foreign).toBe(true);
});

test("boxes of other types are skipped, and the end says where to go on", () => {
  const free = new Uint8Array([0, 0, 0, 10, 0x75, 0x75, 0x69, 0x64, 1, 2]);
  const end = new Uint8Array([0, 0, 0, 16, 0x6c, 0x76, 0x73, 0x65, 0, 0, 0, 0, 0, 0, 0x27, 0x10]);
  const items = new SceneParser().read(joined(VECTOR.header, free, VECTOR.full7, end));
  expect(items.map((i) => i.kind)).toEqual(["header", "record", "end"]);
  expect(items.at(-1)).toEqual({ kind: "end", nextMs: 10 });
});

/** A record with these sections. */
function record(type: "lvsf" | "lvsd", number: number, ...sections: [kind: number, ...body: number[]][]): Uint8Array {
  const body = sections.flatMap(([kind, ...bytes]) => [kind, bytes.length >> 16, (bytes.length >> 8) & 255, bytes.length & 255, ...bytes]);
  const size = 24 + body.length;
  return Uint8Array.from([
    ...[size >>> 24, (size >> 16) & 255, (size >> 8) & 255, size & 255, ...[...type].map((c) => c.charCodeAt(0))],
    ...[0, 6, 71, 72, 70, 32, 64, number, 0, 0, 0, number, 0, 0, 0, 0, ...body],
  ]);
}

const tiles = (...of: [number, Uint8Array][]): [kind: number, ...body: number[]] => [
  3, 0, of.length, ...of.flatMap(([n, body]) => [n >> 8, n & 255, body.length >> 8, body.length & 255, ...body]),
];

test("tiles come, change and are forgotten; a full record holds all there are", () => {
  const [a, b, c] = [tileBody(16, 16, 1), tileBody(16, 16, 2), tileBody(16, 16, 3)];
  expect([...read(VECTOR.header, record("lvsf", 1, tiles([0, a], [1, b]))).state.tiles.values()]).toEqual([a, b]);
  const changed = read(VECTOR.header, record("lvsf", 1, tiles([0, a], [1, b])), record("lvsd", 2, [6, 0, 0], tiles([1, c])));
  expect([...changed.state.tiles]).toEqual([[1, c]]);
  expect(read(VECTOR.header, record("lvsf", 1, tiles([0, a])), record("lvsf", 9)).state.tiles.size).toBe(0);
});

test("a tile that says another size than its own is no tile, and the rest goes on", () => {
  const { state, applied } = read(VECTOR.header, record("lvsf", 1, tiles([0, tileBody(8192, 8192)], [1, tileBody(16, 16)])));
  expect(applied).toEqual([1]);
  expect([...state.tiles.keys()]).toEqual([1]);
});

test("a window shows what the policy allows, and never a person or what nobody knows", () => {
  const jpeg = tileBody(16, 16);
  const pane = (kind: number): number[] => [0, 0, 0, kind, kind, 0, 0, 0, 0, 0, 0, 16, 0, 16, 0, 0, 0, jpeg.length, ...jpeg];
  const { state } = read(VECTOR.header, record("lvsf", 1, [5, 0, 5, ...[0, 1, 2, 4, 9].flatMap(pane)]));
  expect(state.panes.map((p) => p.kind)).toEqual(["vehicle", "parcel"]);
});

test.each([
  ["cells that are too few", [1, 0x51]],
  ["cells that are too many", [1, 0xfd, 0x7f]],
  ["a run of none", [1, 0x00]],
  ["a figure outside the picture", [4, 0, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 33, 0, 16, 0, 0, 0, 0]],
  ["a figure that is inside out", [4, 0, 1, 0, 0, 0, 1, 1, 0, 0, 9, 0, 0, 0, 8, 0, 16, 0, 0, 0, 0]],
  ["fewer figures than it says", [4, 0, 2, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 8, 0, 16, 0, 0, 0, 0]],
  ["a tile that there is not", [3, 0, 1, 0, 2, 0, 0]],
  ["tiles that do not rise", [3, 0, 2, 0, 1, 0, 0, 0, 1, 0, 0]],
] as [string, [number, ...number[]]][])("a record with %s is left out whole", (_, section) => {
  expect(read(VECTOR.header, record("lvsf", 1, section)).applied).toEqual([]);
});

test("a kind of section that this page does not know is skipped", () => {
  expect(read(VECTOR.header, record("lvsf", 1, [77, 1, 2, 3])).applied).toEqual([1]);
});

/** What no state may ever be, whatever it was read from. */
function expectSound({ state }: { state: SceneState }): void {
  const { header } = state;
  if (!header) return;
  expect(state.cells.length).toBe(header.columns * header.rows);
  expect(state.cells.length).toBeLessThanOrEqual(65_536);
  expect(state.cells.every((c) => c <= 3)).toBe(true);
  for (const f of [...state.figures, ...state.panes]) {
    expect(f.right).toBeLessThanOrEqual(header.width);
    expect(f.bottom).toBeLessThanOrEqual(header.height);
    expect(f.left).toBeLessThan(f.right);
  }
  expect(state.panes.some((p) => p.kind === "person" || p.kind === "moving")).toBe(false);
}

test("every byte of the stream may be anything, and every end may come early: reading does not throw and stays sound", () => {
  for (let at = 0; at < ALL.length; at += 1) {
    for (const value of [0, 1, 0x7f, 0x80, 0xff, (ALL[at] ?? 0) ^ 1]) {
      const bytes = ALL.slice();
      bytes[at] = value;
      expectSound(read(bytes));
    }
    expectSound(read(ALL.subarray(0, at)));
  }
});

test("whatever bytes follow a header, reading does not throw and stays sound", () => {
  const part = fc.oneof(
    fc.constantFrom(...Object.values(VECTOR)),
    fc.uint8Array({ maxLength: 40 }),
    fc.tuple(fc.constantFrom("lvsf" as const, "lvsd" as const), fc.nat(12), fc.array(fc.tuple(fc.nat(7), fc.array(fc.nat(255), { maxLength: 60 })), { maxLength: 4 }))
      .map(([type, number, sections]) => record(type, number, ...sections.map(([kind, body]): [number, ...number[]] => [kind, ...body]))),
  );
  fc.assert(fc.property(fc.array(part, { maxLength: 8 }), (parts) => { expectSound(read(VECTOR.header, ...parts)); }), { numRuns: 600 });
});

test("only a baseline JPEG of exactly the right size goes to a decoder", () => {
  const good = tileBody(16, 16);
  expect(isTileJpeg(good, 16, 16)).toBe(true);
  expect(isTileJpeg(good, 16, 8)).toBe(false);
  const progressive = good.slice();
  progressive[1] = 0xc2;
  expect(isTileJpeg(progressive, 16, 16)).toBe(false);
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => { expect(isTileJpeg(bytes, 16, 16)).toBe(false); }));
  for (let end = 0; end < 30; end += 1) expect(isTileJpeg(good.subarray(0, end), 16, 16)).toBe(false);
});

test("a record is applied the same whether its boxes come in one message or in many", () => {
  const one = read(ALL).state;
  const many = read(...Object.values(VECTOR)).state;
  const seen = (s: SceneState): unknown => [s.number, s.why, [...s.cells], s.figures] satisfies unknown[];
  expect(seen(many)).toEqual(seen(one));
  const records: SceneRecord[] = new SceneParser().read(ALL).flatMap((i) => (i.kind === "record" ? [i.record] : []));
  expect(records).toHaveLength(5);
});
