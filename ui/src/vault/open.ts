/** Opening sealed segments: shares and hour secrets in, pictures out. docs/format-sealed.md, "Keys". */
import { Bytes, Damage, must } from "../lib/bytes";
import { derive, expandKey, fromHex, hash, hashLarge, i64, join, same, u32, utf8 } from "./crypto";
import { BOUND, FRAME, parseFrame, type Frame, type SealedHeader } from "./segment";
import { combine, shareHash, type Share } from "./share";

/** Why a segment does not open. `holder` gave a share that is not what the recorder made for him. */
export type Refusal =
  | { kind: "too_few"; have: number; needed: number }
  | { kind: "bad_share"; holder: string }
  | { kind: "no_hour_secret" }
  | { kind: "other_keys" };

export class Refused extends Error {
  constructor(readonly why: Refusal) {
    super(why.kind);
  }
}

export interface Picture {
  /** Media time, ticks of 1/90 000 s. */
  media: bigint;
  /** Arrival, microseconds since 1970. */
  wallUs: bigint;
  key: boolean;
  /** NAL units, each behind a 4-byte length; of MJPEG one JPEG; of sound one frame. */
  data: Uint8Array;
}

export type Coding = "h264" | "h265" | "mjpeg";
export type SoundCoding = "aac" | "alaw" | "mulaw" | "opus";

export interface Sound {
  coding: SoundCoding;
  /** Samples a second. */
  rate: number;
  channels: number;
  /** AudioSpecificConfig of AAC; otherwise empty. */
  config: Uint8Array;
}

export interface Opened {
  frame: Frame;
  coding: Coding;
  width: number;
  height: number;
  /** AVC- or HEVCDecoderConfigurationRecord; empty of MJPEG. */
  config: Uint8Array;
  pictures: Picture[];
  /** How what was heard is coded; `null` of a camera whose sound is not kept. */
  sound: Sound | null;
  heard: Picture[];
  /** What a manifest needs to prove the pictures: see docs/format-export.md. */
  list: Uint8Array;
  blind: Uint8Array;
}

function place(header: SealedHeader): Uint8Array {
  const camera = utf8(header.camera);
  const [site, epoch] = [fromHex(header.site), fromHex(header.epoch)];
  must(site !== null && epoch !== null);
  const counts = Uint8Array.of(header.needed, header.shares.length, camera.byteLength);
  return join(site, i64(BigInt(header.hour)), epoch, counts, camera);
}

/** An epoch's chain, from its shares; opens every segment of the epoch. */
export class Epoch {
  readonly #chain: Uint8Array[];
  readonly epoch: string;

  private constructor(epoch: string, start: Uint8Array) {
    this.epoch = epoch;
    this.#chain = [start];
  }

  /** Of shares that holders gave, as one of the epoch's headers lists them. Throws `Refused`. */
  static async gather(header: SealedHeader, given: readonly Share[]): Promise<Epoch> {
    const shares = new Map<number, Share>();
    for (const share of given.filter((share) => share.epoch === header.epoch)) {
      const listed = header.shares[share.x - 1];
      if (!listed || !same(listed.hash, shareHash(share.file))) {
        throw new Refused({ kind: "bad_share", holder: listed?.holder ?? "" });
      }
      shares.set(share.x, share);
    }
    const needed = header.needed;
    if (shares.size < needed) throw new Refused({ kind: "too_few", have: shares.size, needed });
    const secret = await combine([...shares.values()].slice(0, needed));
    const epoch = fromHex(header.epoch);
    must(epoch !== null);
    const start = derive(secret, epoch, join(utf8("louver chain v1"), place(header)));
    secret.fill(0);
    return new Epoch(header.epoch, start);
  }

  /** The seed of a segment's key. */
  seed(link: number): Uint8Array {
    for (let n = this.#chain.length; n <= link; n += 1) {
      this.#chain.push(expandKey(this.#at(n - 1), utf8("louver chain next")));
    }
    return expandKey(this.#at(link), utf8("louver chain segment"));
  }

  #at(link: number): Uint8Array {
    const found = this.#chain[link];
    must(found !== undefined);
    return found;
  }
}

/** A segment's keys, checked against its commitment. */
export class SegmentOpener {
  private constructor(
    readonly header: SealedHeader,
    private readonly key: CryptoKey,
    private readonly blinding: Uint8Array,
  ) {}

  /** Throws `Refused` where epoch or hour secret are not this segment's. */
  static async make(header: SealedHeader, epoch: Epoch, hourSecret: Uint8Array): Promise<SegmentOpener> {
    must(epoch.epoch === header.epoch);
    const ikm = join(epoch.seed(header.link), hourSecret);
    const context = (purpose: number) =>
      join(utf8("louver sealed segment v1"), Uint8Array.of(purpose), place(header), u32(header.link));
    const [key, commitment, blinding] = [1, 2, 3].map((n) => derive(ikm, header.salt, context(n)));
    ikm.fill(0);
    must(key !== undefined && commitment !== undefined && blinding !== undefined);
    if (!same(commitment, header.commitment)) throw new Refused({ kind: "other_keys" });
    const imported = await crypto.subtle.importKey("raw", key, "AES-GCM", false, ["decrypt"]);
    key.fill(0);
    return new SegmentOpener(header, imported, blinding);
  }

  /** Decrypts one fragment, head and body as they stand in the file. Throws `Damage` where a bit was changed. */
  async open(sequence: number, bytes: Uint8Array): Promise<Opened> {
    const { frame, plain } = await this.#decrypt(sequence, bytes, false);
    const { list, ...inside } = unpack(plain, frame);
    const blind = expandKey(this.blinding, join(utf8("louver blind"), u32(sequence)));
    const pictures = await hashLarge(plain.subarray(list.byteLength));
    const commitment = hash(utf8("louver fragment"), blind, hash(list), pictures);
    must(same(commitment, frame.commitment));
    return { frame, ...inside, list, blind };
  }

  /** Proves that the end marker is the recorder's. Throws `Damage`. */
  async checkEnd(sequence: number, bytes: Uint8Array): Promise<void> {
    await this.#decrypt(sequence, bytes, true);
  }

  async #decrypt(sequence: number, bytes: Uint8Array, end: boolean) {
    const frame = parseFrame(bytes, this.header.hash);
    must(frame.sequence === sequence && frame.end === end && bytes.byteLength === FRAME + frame.body);
    const iv = new Uint8Array(12);
    new DataView(iv.buffer).setUint32(7, sequence);
    iv[11] = end ? 1 : 0;
    const additionalData = join(this.header.hash, bytes.subarray(0, BOUND));
    const body = new Uint8Array(bytes.subarray(FRAME));
    try {
      const plain = await crypto.subtle.decrypt({ name: "AES-GCM", iv, additionalData }, this.key, body);
      return { frame, plain: new Uint8Array(plain) };
    } catch {
      throw new Damage();
    }
  }
}

function signed(value: bigint): bigint {
  return BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n));
}

const CODINGS: readonly Coding[] = ["h264", "h265", "mjpeg"];
const SOUNDS: readonly SoundCoding[] = ["aac", "alaw", "mulaw", "opus"];

/** How what was heard is coded, and how many of the packets it is. */
function soundOf(bytes: Bytes): { sound: Sound; count: number } {
  const coding = SOUNDS[bytes.u8() - 1];
  const [rate, channels] = [bytes.u32(), bytes.u8()];
  const config = bytes.take(bytes.u8()).slice();
  must(coding !== undefined && rate > 0 && rate <= 192_000 && channels > 0 && channels <= 8);
  must(coding === "aac" ? config.byteLength >= 2 && config.byteLength <= 64 : config.byteLength === 0);
  must(coding !== "opus" || (rate === 48_000 && channels <= 2));
  return { sound: { coding, rate, channels, config }, count: bytes.u32() };
}

/** Takes a fragment's plaintext apart: "Inside the body". */
export function unpack(plain: Uint8Array<ArrayBuffer>, frame: Pick<Frame, "packets" | "firstUs">) {
  const bytes = new Bytes(plain);
  const kind = bytes.u8();
  const coding = CODINGS[(kind & 0x7f) - 1];
  must(coding !== undefined);
  const [width, height] = [bytes.u16(), bytes.u16()];
  const config = bytes.take(bytes.u16()).slice();
  const { sound, count } = kind & 0x80 ? soundOf(bytes) : { sound: null, count: 0 };
  must(count <= frame.packets);
  must(frame.packets * 3 <= bytes.left);
  let [media, wallUs] = [0n, frame.firstUs];
  const entries: { media: bigint; wallUs: bigint; size: number; key: boolean }[] = [];
  for (let n = 0; n < frame.packets; n += 1) {
    media = BigInt.asIntN(64, media + signed(bytes.leb64()));
    wallUs = BigInt.asIntN(64, wallUs + signed(bytes.leb64()));
    const size = bytes.leb64();
    must(size >> 1n <= BigInt(plain.byteLength));
    entries.push({ media, wallUs, size: Number(size >> 1n), key: (size & 1n) === 1n });
  }
  const list = plain.subarray(0, bytes.at);
  const pictures = entries.map(({ size, ...entry }): Picture => ({ ...entry, data: bytes.take(size) }));
  must(bytes.left === 0);
  const heard = pictures.splice(pictures.length - count, count);
  return { coding, width, height, config, pictures, sound, heard, list };
}
