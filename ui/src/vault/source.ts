/** The sealed fragments of one camera in one release, opened as they are asked for. */
import { Bytes, Damage, must } from "../lib/bytes";
import { fromBase64 } from "./crypto";
import type { Opened, SegmentOpener } from "./open";
import type { Keys } from "./release";
import { FRAME, parseFrame, parseHeader, type SealedHeader } from "./segment";

/** One fragment as the server lists it. */
export interface ListedFragment {
  n: number;
  /** Head and body. */
  bytes: number;
  firstMs: number;
  lastMs: number;
  key: boolean;
}

export interface ListedSegment {
  id: string;
  camera: string;
  /** The whole sealed header, base64. */
  header: string;
  fragments: readonly ListedFragment[];
}

/** Asks the server for fragments `from` to `to` (inclusive) of a segment, as they stand in the file. */
export type Fetch = (segment: ListedSegment, from: number, to: number, signal?: AbortSignal) => Promise<Uint8Array>;

/** A fragment's place in the whole. */
export interface Spot {
  segment: ListedSegment;
  fragment: ListedFragment;
}

/** What did not open, and where. The rest may. */
export class Unreadable extends Error {
  constructor(
    readonly spot: Spot,
    override readonly cause: unknown,
  ) {
    super(`fragment ${String(spot.fragment.n)} of ${spot.segment.id}`);
  }
}

/** Asked for at once at most: a seek must not wait for more than it needs. */
const AHEAD_BYTES = 2 * 1024 * 1024;
/** Opened fragments that are kept: the one that is shown and some around it. */
const KEPT = 24;

export class Originals {
  readonly spots: readonly Spot[];
  readonly #openers = new Map<string, Promise<{ header: SealedHeader; opener: SegmentOpener }>>();
  readonly #opened = new Map<number, Opened>();

  constructor(
    segments: readonly ListedSegment[],
    private readonly keys: Pick<Keys, "opener">,
    private readonly fetch: Fetch,
  ) {
    this.spots = segments
      .flatMap((segment) => segment.fragments.map((fragment) => ({ segment, fragment })))
      .sort((a, b) => a.fragment.firstMs - b.fragment.firstMs);
  }

  /** Where showing a time begins: the last fragment at or before it that begins with a key picture, or else the next one that does.
      The first of all where none does. */
  at(ms: number): number {
    let [low, high] = [0, this.spots.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.spots[middle]?.fragment.firstMs ?? 0) <= ms) low = middle + 1;
      else high = middle;
    }
    let found = Math.max(0, low - 1);
    while (found > 0 && this.spots[found]?.fragment.key !== true) found -= 1;
    if (this.spots[found]?.fragment.key === true) return found;
    return Math.max(0, this.spots.findIndex(({ fragment }) => fragment.key));
  }

  header(segment: ListedSegment): Promise<SealedHeader> {
    return this.#opener(segment).then(({ header }) => header);
  }

  #opener(segment: ListedSegment) {
    let opener = this.#openers.get(segment.id);
    if (!opener) {
      const make = async () => {
        const header = parseHeader(fromBase64(segment.header));
        must(header.camera === segment.camera);
        return { header, opener: await this.keys.opener(header) };
      };
      opener = make();
      this.#openers.set(segment.id, opener);
    }
    return opener;
  }

  /** Opens fragment `index` of `spots`, and keeps what came along with it. Throws `Unreadable`, or what `fetch` throws. */
  async open(index: number, signal?: AbortSignal): Promise<Opened> {
    const spot = this.spots[index];
    if (!spot) throw new RangeError();
    const kept = this.#opened.get(index);
    if (kept) return kept;
    const run = this.#run(index);
    const bytes = await this.fetch(spot.segment, spot.fragment.n, spot.fragment.n + run - 1, signal);
    try {
      const { header, opener } = await this.#opener(spot.segment);
      const rest = new Bytes(bytes);
      for (let n = 0; n < run; n += 1) {
        const { body } = parseFrame(bytes.subarray(rest.at), header.hash);
        this.#keep(index + n, await opener.open(spot.fragment.n + n, rest.take(FRAME + body)));
      }
    } catch (problem) {
      if (!this.#opened.has(index)) throw new Unreadable(spot, problem);
    }
    const opened = this.#opened.get(index);
    if (!opened) throw new Unreadable(spot, new Damage());
    return opened;
  }

  /** How many fragments from here on stand one behind the other in one segment and are not too much at once. */
  #run(index: number): number {
    const first = this.spots[index];
    let bytes = 0;
    let run = 0;
    for (const spot of this.spots.slice(index, index + KEPT / 2)) {
      const next = spot.segment === first?.segment && spot.fragment.n === first.fragment.n + run;
      bytes += spot.fragment.bytes;
      if (run > 0 && (!next || bytes > AHEAD_BYTES)) break;
      run += 1;
    }
    return run;
  }

  #keep(index: number, opened: Opened): void {
    this.#opened.set(index, opened);
    for (const old of this.#opened.keys()) {
      if (this.#opened.size <= KEPT) break;
      this.#opened.delete(old);
    }
  }
}
