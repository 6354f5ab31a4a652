/** Sealed segments as bytes: docs/format-sealed.md, "Header" and "Fragment". Nothing here needs a key. */
import { Bytes, Damage, must } from "../lib/bytes";
import { hash, join, same, toHex, utf8 } from "./crypto";
import { cameraOf, text } from "./share";

export interface WrappedShare {
  /** The holder's id, 16 hex digits. */
  holder: string;
  hash: Uint8Array;
  /** An age file for that holder. */
  file: Uint8Array;
}

export interface SealedHeader {
  /** Bytes of the header in the file. */
  length: number;
  site: string;
  /** Arrival of the first picture, microseconds since 1970. */
  startUs: bigint;
  /** Hours since 1970. */
  hour: number;
  salt: Uint8Array;
  commitment: Uint8Array;
  camera: string;
  needed: number;
  epoch: string;
  link: number;
  shares: WrappedShare[];
  /** What every fragment is bound to. */
  hash: Uint8Array<ArrayBuffer>;
}

const HOUR_US = 3_600_000_000n;
const HEADER_MAX = 65_536;
const LINKS_MAX = 4096;

/** Bytes of the whole header, from its first 16. */
export function headerLength(start: Uint8Array): number {
  const bytes = new Bytes(start);
  must(text(bytes.take(8)) === "LOUVSEAL");
  const format = bytes.u8();
  must(format === 1 || format === 2);
  must(bytes.u8() === 1 && bytes.u16() === 0);
  const length = bytes.u32();
  must(length <= HEADER_MAX && length > 150);
  return length;
}

/** Reads a header, checking its hash first. Throws `Damage`. */
export function parseHeader(file: Uint8Array): SealedHeader {
  const length = headerLength(file);
  must(length <= file.byteLength);
  const body = file.subarray(0, length - 32);
  const headerHash = hash(body);
  must(same(headerHash, file.subarray(length - 32, length)));
  const bytes = new Bytes(body);
  bytes.skip(16);
  const site = toHex(bytes.take(16));
  const startUs = bytes.i64();
  const [salt, commitment] = [bytes.take(32), bytes.take(32)];
  const camera = cameraOf(bytes);
  must(bytes.u8() === 2);
  const [needed, of] = [bytes.u8(), bytes.u8()];
  must(bytes.u8() === 0 && needed >= 1 && needed <= of && of <= 32);
  const epoch = toHex(bytes.take(16));
  const link = bytes.u32();
  must(link < LINKS_MAX);
  const shares = Array.from({ length: of }, (): WrappedShare => {
    const holder = toHex(bytes.take(8));
    const shareHash = bytes.take(32);
    const size = bytes.u16();
    must(size <= 1024);
    return { holder, hash: shareHash, file: bytes.take(size) };
  });
  must(bytes.left === 0);
  const hour = Number(BigInt.asIntN(64, (startUs - (((startUs % HOUR_US) + HOUR_US) % HOUR_US)) / HOUR_US));
  const bound = new Uint8Array(headerHash);
  return { length, site, startUs, hour, salt, commitment, camera, needed, epoch, link, shares, hash: bound };
}

/** Bytes in front of a body, and those of them that the body's tag covers. */
export const FRAME = 76;
export const BOUND = 68;
const TAG = 16;
const BODY_MAX = 64 * 1024 * 1024;

export interface Frame {
  sequence: number;
  /** Bytes of the body with its tag. */
  body: number;
  packets: number;
  end: boolean;
  key: boolean;
  firstUs: bigint;
  lastUs: bigint;
  commitment: Uint8Array;
}

/** Reads a fragment's head of a segment whose header has this hash. Throws `Damage`. */
export function parseFrame(head: Uint8Array, header: Uint8Array): Frame {
  const bytes = new Bytes(head.subarray(0, FRAME));
  must(text(bytes.take(4)) === "LVFR");
  const [sequence, body, packets, flags] = [bytes.u32(), bytes.u32(), bytes.u32(), bytes.u32()];
  const [firstUs, lastUs] = [bytes.i64(), bytes.i64()];
  const commitment = bytes.take(32);
  const check = hash(utf8("louver frame"), header, head.subarray(0, BOUND)).subarray(0, 8);
  must(same(check, bytes.take(8)));
  const [end, key] = [(flags & 1) !== 0, (flags & 2) !== 0];
  must((flags & ~3) === 0 && firstUs <= lastUs);
  must(end ? body === TAG && packets === 0 && !key : body >= TAG && body <= BODY_MAX && packets > 0);
  return { sequence, body, packets, end, key, firstUs, lastUs, commitment };
}

/** Reads the part of a head that a manifest carries: `BOUND` bytes. The segment's digest vouches for them. Throws `Damage`. */
export function parseBound(bound: Uint8Array, header: Uint8Array): Frame {
  return parseFrame(join(bound, hash(utf8("louver frame"), header, bound).subarray(0, 8)), header);
}

export interface Found {
  frame: Frame;
  /** Where its head starts in the file. */
  at: number;
}

/** How a file ends. */
export type Tail =
  | { kind: "finished" }
  /** Killed between two writes, or still being written. */
  | { kind: "open" }
  /** Cut within a fragment: what is whole can be opened. */
  | { kind: "torn"; at: number }
  /** Something stands at `at` that is no fragment of this segment. */
  | { kind: "damaged"; at: number };

/** Lists a whole file's fragments without any key. */
export function scan(file: Uint8Array): { header: SealedHeader; fragments: Found[]; tail: Tail } {
  const header = parseHeader(file);
  const fragments: Found[] = [];
  let at = header.length;
  for (;;) {
    if (at === file.byteLength) return { header, fragments, tail: { kind: "open" } };
    if (file.byteLength - at < FRAME) return { header, fragments, tail: { kind: "torn", at } };
    let frame: Frame;
    try {
      frame = parseFrame(file.subarray(at), header.hash);
      must(frame.sequence === fragments.length);
    } catch (problem) {
      if (!(problem instanceof Damage)) throw problem;
      const zeros = file.subarray(at).every((byte) => byte === 0);
      return { header, fragments, tail: { kind: zeros ? "torn" : "damaged", at } };
    }
    const end = at + FRAME + frame.body;
    if (end > file.byteLength) return { header, fragments, tail: { kind: "torn", at } };
    if (frame.end) {
      const tail: Tail = end === file.byteLength ? { kind: "finished" } : { kind: "damaged", at: end };
      return { header, fragments, tail };
    }
    fragments.push({ frame, at });
    at = end;
  }
}

/** The digest that the ledger is told: over the heads of all fragments and the end marker. */
export function segmentDigest(header: Uint8Array, heads: readonly Uint8Array[]): Uint8Array {
  return hash(utf8("louver segment"), header, join(...heads.map((head) => head.subarray(0, BOUND))));
}
