/** Bytes of scene streams for tests. */
import { headerBox, recordBox, type FigureBytes } from "../../../dev/scene-bytes";


/** Bytes written as hex, white space between. */
export const hex = (text: string): Uint8Array => Uint8Array.from(text.replace(/\s/g, "").match(/../g) ?? [], (b) => Number.parseInt(b, 16));

/** The bytes of `docs/format-scene.md`, "Bytes to check against". */
export const VECTOR = {
  header: hex("000000226c767368010000200010000400100000000647484620400000000002ffd8"),
  full7: hex(
    `000000376c76736600064748462040000000000701000000010000032051130400001400010102030401000000000000
     100010ffe80000`,
  ),
  delta8: hex(
    `000000486c767364000647484621c6a00000000800000000020000020812040000260002010203040100000000000010
     0010ffe80000000000090200001000000020001000000028`,
  ),
  delta9: hex("000000186c76736400064748463108e00000000900000000"),
  delta11: hex("0000001f6c7673640006474846328f800000000b0000000002000003008101"),
  delta10: hex("0000001e6c76736400064748463416200000000a06000000040000020000"),
};

export function joined(...parts: Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.byteLength;
  }
  return out;
}

/** A JPEG body that says it has this size; its picture is none. */
export function tileBody(width: number, height: number, filler = 0): Uint8Array {
  const two = (n: number): number[] => [n >> 8, n & 255];
  return Uint8Array.from([
    ...[0xff, 0xc0, 0, 17, 8, ...two(height), ...two(width), 3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1],
    ...[0xff, 0xda, 0, 12, 3, 1, 0, 2, 0x11, 3, 0x11, 0, 63, 0, filler, 0xff, 0xd9],
  ]);
}

/** The shape of `VECTOR`. */
const SHAPE = { width: 32, height: 16, cell: 4, tile: 16, tables: Uint8Array.from([0xff, 0xd8]) };

/** A header; `beganMs` tells streams apart. */
export function header(beganMs = 1): Uint8Array {
  return headerBox(SHAPE, beganMs);
}

/** A record with one person whose left edge is at `left`, or nobody. */
export function record(full: boolean, number: number, atMs: number, left: number | null = 0, why = 0): Uint8Array {
  const figures: FigureBytes[] = left === null ? [] : [{ track: 1, kind: 1, at: [left, 0, left + 8, 16], speed: [0, 0] }];
  return recordBox({ full, number, atMs, why, figures, ...(full ? { cells: new Uint8Array(32).fill(1) } : {}) });
}
