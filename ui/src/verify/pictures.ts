/** Whether the pictures are those that were sealed: each fragment is proven, then the whole file is made anew from them and compared. */
import { Damage, must } from "../lib/bytes";
import { fromHex, hash, join, same, toHex, utf8 } from "../vault/crypto";
import { bytesOf, Film, type Piece } from "../vault/film";
import { unpack, type Opened } from "../vault/open";
import { BOUND, parseBound, segmentDigest, type Frame } from "../vault/segment";
import { read } from "./boxes";
import type { At, Finding } from "./findings";
import type { Fragment, Manifest, Segment } from "./manifest";
import type { VerifierKey } from "./note";
import { provenLeaf, Unproven } from "./proof";

const PICTURES_MAX = 64 * 1024 * 1024;

export interface Pictures {
  findings: Finding[];
  /** The camera, as the ledger names it. */
  camera: string | null;
  used: { at: At; frame: Frame }[];
  /** All fragments of each segment that was looked at, also those that are not in the file. */
  frames: (readonly Frame[])[];
  gaps: readonly { fromMs: number; toMs: number }[];
  recovered: number;
  /** When the ledger was told of the last of the segments, ms since 1970. */
  toldMs: number | null;
}

const ms = (us: bigint) => Number(us / 1000n);

/** What does not fit, as a sentence; caught where its place is known. */
class Wrong extends Error {}

function heads(segment: Segment): Frame[] {
  const header = fromHex(segment.header) ?? new Uint8Array();
  must(segment.heads.byteLength % BOUND === 0);
  const frames: Frame[] = [];
  let ended = false;
  for (let at = 0; at < segment.heads.byteLength; at += BOUND) {
    const frame = parseBound(segment.heads.subarray(at, at + BOUND), header);
    must(!ended && frame.sequence === at / BOUND);
    if (frame.end) ended = true;
    else frames.push(frame);
  }
  return frames;
}

function toldToTheLedger(found: Pictures, segment: Segment, frames: readonly Frame[], ledger: VerifierKey): void {
  const leaf = provenLeaf(segment.proof, ledger);
  const header = fromHex(segment.header) ?? new Uint8Array();
  const digest = toHex(segmentDigest(header, Array.from({ length: segment.heads.byteLength / BOUND }, (_, n) => segment.heads.subarray(n * BOUND, (n + 1) * BOUND))));
  const fits = leaf["what"] === "sealed" && leaf["header"] === segment.header && leaf["digest"] === digest;
  if (!fits || leaf["fragments"] !== frames.length || typeof leaf["camera"] !== "string") {
    throw new Wrong("The ledger says something else than the manifest about a segment.");
  }
  found.camera ??= leaf["camera"];
  if (found.camera !== leaf["camera"]) throw new Wrong("The ledger says something else than the manifest about the camera.");
  if (leaf["recovered"] === true) found.recovered += 1;
  if (typeof leaf["t"] === "number") found.toldMs = Math.max(found.toldMs ?? leaf["t"], leaf["t"]);
}

function order(found: Pictures, place: number, manifest: Manifest, frames: readonly Frame[]): void {
  const fragments = manifest.segments[place]?.fragments ?? [];
  const find = (fragment: Fragment, sentence: string) => {
    found.findings.push({ step: "sealed", at: placeOf(place, fragment, frames), sentence });
  };
  let expected = place > 0 ? 0 : null;
  for (const fragment of fragments) {
    if (expected !== null && expected !== fragment.n) {
      find(fragment, `fragment ${String(expected)} should stand here: pictures were cut out, doubled or put in another order.`);
    }
    expected = fragment.n + 1;
  }
  const last = fragments[fragments.length - 1];
  if (!last) throw new Wrong("The manifest contradicts itself: nothing of one of its segments is in the file.");
  if (place + 1 < manifest.segments.length && last.n + 1 !== frames.length) {
    find(last, "the segment goes on, but the next one follows: pictures were cut out.");
  }
}

function placeOf(segment: number, fragment: Fragment, frames: readonly Frame[]): At {
  const frame = frames[fragment.n];
  return { segment, fragment: fragment.n, ms: frame ? ms(frame.firstUs) : null, byte: fragment.at };
}

/** A fragment's pictures as they stand in the file, proven and taken apart. */
async function prove(file: Blob, bytes: number, frames: readonly Frame[], of: Fragment): Promise<Opened> {
  const frame = frames[of.n];
  if (!frame) throw new Wrong("its pictures are not what was sealed: there is no such fragment.");
  if (of.size > PICTURES_MAX || of.at + of.size > bytes) throw new Wrong("the manifest contradicts itself: pictures stand outside of the file.");
  const pictures = await read(file, of.at, of.size);
  const commitment = hash(utf8("louver fragment"), of.blind, hash(of.list), hash(pictures));
  if (of.blind.byteLength !== 32 || !same(commitment, frame.commitment)) throw new Wrong("its pictures are not what was sealed.");
  const { list, ...inside } = unpack(join(of.list, pictures), frame);
  must(list.byteLength === of.list.byteLength);
  return { frame, ...inside, list, blind: of.blind };
}

/** The file, made anew. */
class Remake {
  #film: Film | null = null;
  #at = 0;
  readonly #places = new Map<Opened, number>();

  constructor(
    private readonly file: Blob,
    private readonly bytes: number,
  ) {}

  async take(opened: Opened, at: number): Promise<void> {
    this.#places.set(opened, at);
    if (!this.#film) {
      this.#film = new Film(opened);
      await this.#compare({ bytes: this.#film.start(), data: 0, from: [] });
    }
    const piece = this.#film.push(opened);
    if (piece) await this.#compare(piece);
  }

  async #compare(piece: Piece): Promise<void> {
    const there = await read(this.file, this.#at, Math.min(piece.bytes.byteLength, this.bytes - this.#at));
    if (!same(there, piece.bytes)) {
      let equal = 0;
      while (equal < there.byteLength && there[equal] === piece.bytes[equal]) equal += 1;
      throw new Wrong(remade(this.#at + equal));
    }
    let data = this.#at + piece.data;
    for (const opened of piece.from) {
      if (this.#places.get(opened) !== data) throw new Wrong("the manifest contradicts itself: pictures stand elsewhere than it says.");
      this.#places.delete(opened);
      data += bytesOf(opened);
    }
    this.#at += piece.bytes.byteLength;
  }

  async finish(): Promise<Film["gaps"]> {
    const piece = this.#film?.finish();
    if (piece) await this.#compare(piece);
    if (this.#at !== this.bytes) throw new Wrong(remade(this.#at));
    return this.#film?.gaps ?? [];
  }
}

const remade = (at: number) =>
  `byte ${String(at)} of the file is not what was sealed gives: times, order or coding were changed.`;

/** An expected failure as a sentence; anything else is thrown on. */
function sentence(why: unknown): string {
  if (why instanceof Wrong) return why.message;
  if (why instanceof Unproven) return `That a segment was sealed is not proven: ${why.message}.`;
  if (why instanceof Damage || why instanceof SyntaxError || why instanceof RangeError) return "what was sealed makes no sense.";
  throw why;
}

/** Step 3. */
export async function checkPictures(
  file: Blob,
  bytes: number,
  manifest: Manifest,
  ledger: VerifierKey,
  progress: (done: number) => void,
): Promise<Pictures> {
  const found: Pictures = { findings: [], camera: null, used: [], frames: [], gaps: [], recovered: 0, toldMs: null };
  const find = (at: At | null, why: unknown) => {
    found.findings.push({ step: "sealed", at, sentence: sentence(why) });
  };
  if (manifest.segments.length === 0) find(null, new Wrong("The manifest contradicts itself: there are no pictures in it."));
  const remake = new Remake(file, bytes);
  let before: bigint | null = null;
  for (const [place, segment] of manifest.segments.entries()) {
    let frames: Frame[];
    try {
      frames = heads(segment);
      toldToTheLedger(found, segment, frames, ledger);
      const begins: bigint = frames[0]?.firstUs ?? 0n;
      // As late is no later: a segment that stands there twice, or in two parts the wrong way round.
      if (before !== null && begins <= before) throw new Wrong("The manifest contradicts itself: its segments are not in order.");
      before = begins;
      order(found, place, manifest, frames);
      found.frames.push(frames);
    } catch (why) {
      find(null, why);
      return found;
    }
    for (const [n, fragment] of segment.fragments.entries()) {
      const at = placeOf(place, fragment, frames);
      const frame = frames[fragment.n];
      if (frame) found.used.push({ at, frame });
      try {
        await remake.take(await prove(file, bytes, frames, fragment), fragment.at);
      } catch (why) {
        find(at, why);
        // Nothing follows from others than what was sealed; which more of this segment are changed is told.
        for (const other of segment.fragments.slice(n + 1)) {
          const sealed = frames[other.n];
          if (sealed) found.used.push({ at: placeOf(place, other, frames), frame: sealed });
          await prove(file, bytes, frames, other).catch((also: unknown) => { find(placeOf(place, other, frames), also); });
        }
        return found;
      }
      progress(fragment.at + fragment.size);
    }
  }
  try {
    found.gaps = await remake.finish();
    const [first, last] = [found.used[0], found.used[found.used.length - 1]];
    if (first && last && (ms(first.frame.firstUs) !== manifest.from || ms(last.frame.lastUs) !== manifest.to)) {
      throw new Wrong("The manifest contradicts itself: its times are not those of its first and last picture.");
    }
  } catch (why) {
    find(null, why);
  }
  return found;
}
