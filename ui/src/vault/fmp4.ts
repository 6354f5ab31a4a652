/**
 * Fragmented MP4 (ISO/IEC 14496-12): a track of pictures and, where sound is kept, one of sound, both of 90 000 ticks a second, with
 * the bytes as the camera sent them: for playing in the page and for export. Byte for byte the layout of louver-media's: who checks an export makes the file anew
 * (docs/format-export.md).
 */
import { join, u32, utf8 } from "./crypto";
import type { Opened, Picture, Sound } from "./open";

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
export type Stream = Pick<Opened, "coding" | "width" | "height" | "config" | "sound">;
/** Pictures, and what was heard meanwhile. */
export type Group = Pick<Opened, "pictures" | "heard">;

function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, n) => byte === other[n]);
}

function sameSound(one: Sound | null, other: Sound | null): boolean {
  if (!one || !other) return one === other;
  return one.coding === other.coding && one.rate === other.rate && one.channels === other.channels && sameBytes(one.config, other.config);
}

/** Whether two fragments can stand in one file. */
export function sameStream(one: Stream, other: Stream): boolean {
  const size = one.width === other.width && one.height === other.height;
  return one.coding === other.coding && size && sameBytes(one.config, other.config) && sameSound(one.sound, other.sound);
}

const hex = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** ISO/IEC 14496-15 annex E.3. */
function hvc1({ config }: Stream): string {
  const [profile, level] = [config[1] ?? 0, config[12] ?? 0];
  const bits = new DataView(config.buffer, config.byteOffset, config.byteLength).getUint32(2);
  let turned = 0;
  for (let n = 0; n < 32; n += 1) turned = ((turned << 1) | ((bits >>> n) & 1)) >>> 0;
  const constraints = [...config.subarray(6, 12)];
  while (constraints.length > 0 && constraints[constraints.length - 1] === 0) constraints.pop();
  const space = ["", "A", "B", "C"][profile >> 6] ?? "";
  const tier = profile & 0x20 ? "H" : "L";
  const upper = (value: number) => value.toString(16).toUpperCase();
  return ["hvc1", `${space}${String(profile & 0x1f)}`, upper(turned), `${tier}${String(level)}`, ...constraints.map(upper)].join(".");
}

/** Pictures as players name them (RFC 6381). */
function pictureCodec(stream: Stream): string {
  switch (stream.coding) {
    case "h264":
      return `avc1.${hex(stream.config.subarray(1, 4))}`;
    case "h265":
      return stream.config.byteLength > 12 ? hvc1(stream) : "hvc1";
    case "mjpeg":
      return "jpeg";
  }
}

/** Sound as players name it. */
function soundCodec({ coding, config }: Sound): string {
  switch (coding) {
    case "aac":
      return `mp4a.40.${String((config[0] ?? 0) >> 3)}`;
    case "opus":
      return "opus";
    case "alaw":
      return "alaw";
    case "mulaw":
      return "ulaw";
  }
}

/** For `MediaSource.addSourceBuffer`. */
export function mimeType(stream: Stream): string {
  const codecs = [pictureCodec(stream), ...(stream.sound ? [soundCodec(stream.sound)] : [])];
  return `video/mp4; codecs="${codecs.join(", ")}"`;
}

function pictureEntry({ coding, width, height, config }: Stream): Part {
  const visual = join(zeros(6), u16(1), zeros(16), u16(width), u16(height), u32(72 << 16), u32(72 << 16), zeros(4), u16(1), zeros(32), u16(24), u16(0xffff));
  switch (coding) {
    case "h264":
      return box("avc1", visual, box("avcC", config));
    case "h265":
      return box("hvc1", visual, box("hvcC", config));
    case "mjpeg":
      return box("jpeg", visual);
  }
}

/** A descriptor of ISO/IEC 14496-1; all of ours are shorter than 128 bytes. */
const descriptor = (tag: number, ...parts: Part[]): Part => {
  const body = join(...parts);
  return join(Uint8Array.of(tag, body.byteLength), body);
};

/** Samples before the first that is heard (RFC 7845): an encoder's 80 ms. */
const OPUS_PRE_SKIP = 3840;

function soundEntry({ coding, rate, channels, config }: Sound): Part {
  const audio = join(zeros(6), u16(1), zeros(8), u16(channels), u16(16), zeros(4), u16(rate > 0xffff ? 0 : rate), zeros(2));
  switch (coding) {
    case "aac": {
      const decoder = descriptor(4, Uint8Array.of(0x40, 0x15), zeros(11), descriptor(5, config));
      return box("mp4a", audio, full("esds", 0, 0, descriptor(3, zeros(3), decoder, descriptor(6, Uint8Array.of(2)))));
    }
    case "opus":
      return box("Opus", audio, box("dOps", Uint8Array.of(0, channels), u16(OPUS_PRE_SKIP), u32(rate), zeros(3)));
    case "alaw":
      return box("alaw", audio);
    case "mulaw":
      return box("ulaw", audio);
  }
}

const [PICTURES, SOUND] = [1, 2];

/** `ftyp` and `moov`. */
export function initSegment(stream: Stream): Uint8Array<ArrayBuffer> {
  const { width, height, sound } = stream;
  const size = join(u16(width), zeros(2), u16(height), zeros(2));
  const next = sound ? SOUND + 1 : PICTURES + 1;
  const mvhd = full("mvhd", 1, 0, zeros(16), u32(TICKS), zeros(8), u32(0x10000), u16(0x100), zeros(10), MATRIX, zeros(24), u32(next));
  const empty = (kind: string) => full(kind, 0, 0, u32(0));
  const dinf = box("dinf", full("dref", 0, 0, u32(1), full("url ", 0, 1)));
  const mdhd = full("mdhd", 1, 0, zeros(16), u32(TICKS), zeros(8), u16(0x55c4), zeros(2));
  const trak = (id: number, volume: number, dimensions: Part, handler: string, entry: Part, header: Part) => {
    const tkhd = full("tkhd", 1, 7, zeros(16), u32(id), zeros(12), zeros(12), u16(volume), zeros(2), MATRIX, dimensions);
    const stbl = box("stbl", full("stsd", 0, 0, u32(1), entry), empty("stts"), empty("stsc"), full("stsz", 0, 0, zeros(8)), empty("stco"));
    const hdlr = full("hdlr", 0, 0, zeros(4), utf8(handler), zeros(12), utf8("Louver\0"));
    return box("trak", tkhd, box("mdia", mdhd, hdlr, box("minf", dinf, stbl, header)));
  };
  const trex = (id: number, flags: number) => full("trex", 0, 0, u32(id), u32(1), u32(0), u32(0), u32(flags));
  const traks = [trak(PICTURES, 0, size, "vide", pictureEntry(stream), full("vmhd", 0, 1, zeros(8)))];
  const trexes = [trex(PICTURES, NOT_SYNC)];
  if (sound) {
    traks.push(trak(SOUND, 0x100, zeros(8), "soun", soundEntry(sound), full("smhd", 0, 0, zeros(4))));
    trexes.push(trex(SOUND, SYNC));
  }
  const ftyp = box("ftyp", utf8("iso6"), u32(1), utf8("iso6mp41"));
  return join(ftyp, box("moov", mvhd, box("mvex", ...trexes), ...traks));
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

/** How long a packet of sound lasts where nothing tells: 20 ms. */
const USUAL_SOUND = 1800n;

const clamp = (ticks: bigint) => Number(ticks < 0n ? 0n : ticks > MAX ? MAX : ticks);

/** Samples whose bytes stand together, and where: behind the first byte of all. */
interface Run {
  at: number;
  count: number;
}

interface Track {
  id: number;
  flags: number;
  start: bigint;
  /** `trun`'s flags, and each sample's fields. */
  run: number;
  samples: Uint8Array[];
  first: Uint8Array[];
  runs: Run[];
}

function pictureTrack(origin: bigint, pictures: readonly Picture[], runs: Run[], last: bigint): Track {
  const shown = pictures.map(({ media }) => (media > origin ? media - origin : 0n));
  const decoded = decodeTimes(shown);
  const reordered = shown.some((at, n) => at !== decoded[n]);
  // One word for all pictures but the first: most fragments have one key frame, in front.
  const onlyFirst = pictures.slice(1).every(({ key }) => !key);
  const first = onlyFirst && pictures[0]?.key === true ? [u32(SYNC)] : [];
  const run = 0x301 | (onlyFirst ? 0 : 0x400) | (reordered ? 0x800 : 0);
  const samples = pictures.map((picture, n) => {
    const [at, next] = [decoded[n] ?? 0n, decoded[n + 1]];
    const shift = (shown[n] ?? 0n) - at;
    const fits = shift < -HALF ? -HALF : shift >= HALF ? HALF - 1n : shift;
    return join(
      u32(clamp(next === undefined ? last : next - at)),
      u32(picture.data.byteLength),
      ...(onlyFirst ? [] : [u32(picture.key ? SYNC : NOT_SYNC)]),
      ...(reordered ? [u32(Number(fits) >>> 0)] : []),
    );
  });
  return { id: PICTURES, flags: NOT_SYNC, start: decoded[0] ?? 0n, run, samples, first, runs };
}

/** A packet of the time of the one before, or earlier, comes a tick after it: players drop sound whose time runs back. */
function soundTrack(origin: bigint, heard: readonly Picture[], runs: Run[], before: bigint): { track: Track; last: bigint } {
  let last = before;
  const times = heard.map(({ media }) => {
    last = media - origin > last + 1n ? media - origin : last + 1n;
    return last;
  });
  const [one, other] = [times[times.length - 2], times[times.length - 1]];
  const usual = one !== undefined && other !== undefined ? other - one : USUAL_SOUND;
  const samples = heard.map(({ data }, n) => {
    const [at, next] = [times[n] ?? 0n, times[n + 1]];
    return join(u32(clamp(next === undefined ? usual : next - at)), u32(data.byteLength));
  });
  return { track: { id: SOUND, flags: SYNC, start: times[0] ?? 0n, run: 0x301, samples, first: [], runs }, last };
}

const size = (packets: readonly Picture[]) => packets.reduce((sum, { data }) => sum + data.byteLength, 0);

/**
 * One `moof` and `mdat` of groups in their order: of each the pictures' bytes, then those of what was heard. `origin` is the media time
 * that stands for zero; `last` is how long the last picture is shown, ticks; `before` when the last sound written was heard, at first 0.
 * Gives where the bytes start in it, and when the last sound in it was heard.
 */
export function fragment(sequence: number, origin: bigint, groups: readonly Group[], last: bigint, before: bigint): { bytes: Uint8Array<ArrayBuffer>; data: number; heard: bigint } {
  const shown: Run[] = [];
  const sounding: Run[] = [];
  let at = 0;
  groups.forEach(({ pictures, heard }, n) => {
    // Pictures of groups that nothing was heard between stand together.
    const together = shown[shown.length - 1];
    if (together && groups[n - 1]?.heard.length === 0) together.count += pictures.length;
    else shown.push({ at, count: pictures.length });
    at += size(pictures);
    if (heard.length > 0) sounding.push({ at, count: heard.length });
    at += size(heard);
  });
  const heard = groups.flatMap((group) => group.heard);
  const tracks = [pictureTrack(origin, groups.flatMap((group) => group.pictures), shown, last)];
  const sound = heard.length > 0 ? soundTrack(origin, heard, sounding, before) : null;
  if (sound) tracks.push(sound.track);
  const traf = (track: Track, from: number) => {
    let next = 0;
    const truns = track.runs.map((run, n) => {
      const samples = track.samples.slice(next, next + run.count);
      next += run.count;
      const first = n === 0 ? track.first : [];
      return full("trun", 1, track.run | (first.length > 0 ? 0x4 : 0), u32(samples.length), u32(from + run.at), ...first, ...samples);
    });
    return box("traf", full("tfhd", 0, 0x20020, u32(track.id), u32(track.flags)), full("tfdt", 1, 0, u64(track.start)), ...truns);
  };
  const moof = (from: number) => box("moof", full("mfhd", 0, 0, u32(sequence)), ...tracks.map((track) => traf(track, from)));
  const data = moof(0).byteLength + 8;
  const bodies = groups.flatMap((group) => [...group.pictures, ...group.heard]).map((packet) => packet.data);
  return { bytes: join(moof(data), box("mdat", ...bodies)), data, heard: sound?.last ?? before };
}
