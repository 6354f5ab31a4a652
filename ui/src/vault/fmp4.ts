/**
 * Fragmented MP4 (ISO/IEC 14496-12), one H.264 track of 90 000 ticks a second, with the NAL units as the camera sent them: for
 * playing in the page and for export. Byte for byte the layout of louver-media's: who checks an export makes the file anew
 * (docs/format-export.md).
 */
import { join, u32, utf8 } from "./crypto";
import type { Opened, Picture } from "./open";

type Part = Uint8Array;

export const TICKS = 90_000;

function u16(value: number): Part {
  return Uint8Array.of(value >> 8, value & 0xff);
}

function u64(value: bigint): Part {
  const out = new Uint8Array(8);
  new DataView(out.buffer).setBigUint64(0, value);
  return out;
}

const zeros = (count: number): Part => new Uint8Array(count);

function box(kind: string, ...parts: Part[]): Uint8Array<ArrayBuffer> {
  const length = parts.reduce((sum, part) => sum + part.byteLength, 8);
  return join(u32(length), utf8(kind), ...parts);
}

/** A box with version and flags. */
function full(kind: string, version: number, flags: number, ...parts: Part[]): Part {
  return box(kind, u32(version * 0x1000000 + flags), ...parts);
}

/** `sample_flags`: a picture that decoding can start with, and any other. */
const SYNC = 0x0200_0000;
const NOT_SYNC = 0x0101_0000;

const MATRIX = join(...[0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000].map(u32));

/** What the first picture's fragment says of the stream. */
export type Stream = Pick<Opened, "width" | "height" | "config">;

/** Whether two fragments can stand in one file. */
export function sameStream(one: Stream, other: Stream): boolean {
  const config = one.config.every((byte, n) => byte === other.config[n]);
  return one.width === other.width && one.height === other.height && one.config.length === other.config.length && config;
}

/** For `MediaSource.addSourceBuffer`. */
export function mimeType(stream: Stream): string {
  const profile = Array.from(stream.config.subarray(1, 4), (byte) => byte.toString(16).padStart(2, "0")).join("");
  return `video/mp4; codecs="avc1.${profile}"`;
}

/** `ftyp` and `moov`. */
export function initSegment({ width, height, config }: Stream): Uint8Array<ArrayBuffer> {
  const size = join(u16(width), zeros(2), u16(height), zeros(2));
  const mvhd = full("mvhd", 1, 0, zeros(16), u32(TICKS), zeros(8), u32(0x10000), u16(0x100), zeros(10), MATRIX, zeros(24), u32(2));
  const tkhd = full("tkhd", 1, 7, zeros(16), u32(1), zeros(12), zeros(16), MATRIX, size);
  const visual = join(zeros(6), u16(1), zeros(16), u16(width), u16(height), u32(72 << 16), u32(72 << 16), zeros(4), u16(1));
  const avc1 = box("avc1", visual, zeros(32), u16(24), u16(0xffff), box("avcC", config));
  const empty = (kind: string) => full(kind, 0, 0, u32(0));
  const stbl = box("stbl", full("stsd", 0, 0, u32(1), avc1), empty("stts"), empty("stsc"), full("stsz", 0, 0, zeros(8)), empty("stco"));
  const dinf = box("dinf", full("dref", 0, 0, u32(1), full("url ", 0, 1)));
  const minf = box("minf", dinf, stbl, full("vmhd", 0, 1, zeros(8)));
  const hdlr = full("hdlr", 0, 0, zeros(4), utf8("vide"), zeros(12), utf8("Louver\0"));
  const mdhd = full("mdhd", 1, 0, zeros(16), u32(TICKS), zeros(8), u16(0x55c4), zeros(2));
  const trak = box("trak", tkhd, box("mdia", mdhd, hdlr, minf));
  const mvex = box("mvex", full("trex", 0, 0, u32(1), u32(1), u32(0), u32(0), u32(NOT_SYNC)));
  const ftyp = box("ftyp", utf8("iso6"), u32(1), utf8("iso6mp41"));
  return join(ftyp, box("moov", mvhd, mvex, trak));
}

/** Presentation times in order, each later than the one before: what they are decoded at. */
function decodeTimes(shown: readonly bigint[]): bigint[] {
  const times = [...shown].sort((a, b) => (a < b ? -1 : Number(a > b)));
  times.forEach((time, n) => {
    const before = times[n - 1];
    if (before !== undefined && time <= before) times[n] = before + 1n;
  });
  return times;
}

const MAX = 0xffff_ffffn;
const HALF = 0x8000_0000n;

/**
 * One `moof` and `mdat`. `origin` is the media time that stands for zero; `last` is how long the last picture is shown, ticks. Gives
 * where the pictures' bytes start in it, too.
 */
export function fragment(sequence: number, origin: bigint, pictures: readonly Picture[], last: bigint): { bytes: Uint8Array<ArrayBuffer>; data: number } {
  const shown = pictures.map(({ media }) => (media > origin ? media - origin : 0n));
  const decoded = decodeTimes(shown);
  const reordered = shown.some((at, n) => at !== decoded[n]);
  // One word for all pictures but the first: most fragments have one key frame, in front.
  const onlyFirst = pictures.slice(1).every(({ key }) => !key);
  const first = onlyFirst && pictures[0]?.key === true ? [u32(SYNC)] : [];
  const flags = 0x301 | (first.length > 0 ? 0x4 : 0) | (onlyFirst ? 0 : 0x400) | (reordered ? 0x800 : 0);
  const samples = pictures.map((picture, n) => {
    const [at, next] = [decoded[n] ?? 0n, decoded[n + 1]];
    const until = next === undefined ? last : next - at;
    const duration = Number(until < 0n ? 0n : until > MAX ? MAX : until);
    const shift = (shown[n] ?? 0n) - at;
    const fits = shift < -HALF ? -HALF : shift >= HALF ? HALF - 1n : shift;
    return join(
      u32(duration),
      u32(picture.data.byteLength),
      ...(onlyFirst ? [] : [u32(picture.key ? SYNC : NOT_SYNC)]),
      ...(reordered ? [u32(Number(fits) >>> 0)] : []),
    );
  });
  const moof = (offset: number) => {
    const tfhd = full("tfhd", 0, 0x20020, u32(1), u32(NOT_SYNC));
    const tfdt = full("tfdt", 1, 0, u64(decoded[0] ?? 0n));
    const trun = full("trun", 1, flags, u32(samples.length), u32(offset), ...first, ...samples);
    return box("moof", full("mfhd", 0, 0, u32(sequence)), box("traf", tfhd, tfdt, trun));
  };
  const data = moof(0).byteLength + 8;
  return { bytes: join(moof(data), box("mdat", ...pictures.map((picture) => picture.data))), data };
}
