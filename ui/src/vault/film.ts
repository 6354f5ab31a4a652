/** Opened fragments, in order, become pieces of one video file; each piece is ready when the next tells how long its last picture is shown. */
import { Clock, type Step } from "./clock";
import { fragment, initSegment, sameStream, type Group, type Stream } from "./fmp4";
import type { Opened } from "./open";

export interface Piece {
  bytes: Uint8Array<ArrayBuffer>;
  /** Where the pictures' bytes start in it. */
  data: number;
  /** The groups in it, as they were pushed. */
  from: Opened[];
}

/** The camera's picture or sound has another size or coding from here on: it goes on in another file. */
export class PictureChanged extends Error {}

/** Beyond this many bytes two fragments are no longer joined because of reordered pictures. */
const JOIN_LIMIT = 64 * 1024 * 1024;

/** Bytes of a group's pictures and sound. */
export const bytesOf = ({ pictures, heard }: Group) => [...pictures, ...heard].reduce((sum, { data }) => sum + data.byteLength, 0);

export class Film {
  readonly stream: Stream;
  readonly gaps: { fromMs: number; toMs: number }[] = [];
  readonly #clock = new Clock();
  #held: { from: Opened[]; origin: bigint } | null = null;
  #sequence = 0;
  /** When the last sound written was heard. */
  #heard = 0n;

  constructor(stream: Stream) {
    this.stream = stream;
  }

  start(): Uint8Array<ArrayBuffer> {
    return initSegment(this.stream);
  }

  /** Takes the next fragment; gives the piece before it. Throws `PictureChanged`. */
  push(opened: Opened): Piece | null {
    if (!sameStream(opened, this.stream)) throw new PictureChanged();
    const step = this.#clock.step(opened.pictures);
    if (step.gap) this.gaps.push(step.gap);
    if (this.#held && step.reordered && this.#held.from.reduce((sum, group) => sum + bytesOf(group), 0) < JOIN_LIMIT) {
      this.#held.from.push(opened);
      return null;
    }
    const piece = this.#write(step.shownBefore);
    this.#hold(opened, step);
    return piece;
  }

  #hold(opened: Opened, { origin }: Step): void {
    this.#held = { from: [opened], origin };
  }

  #write(last: bigint): Piece | null {
    const held = this.#held;
    if (!held) return null;
    this.#held = null;
    this.#sequence += 1;
    const { heard, ...written } = fragment(this.#sequence, held.origin, held.from, last, this.#heard);
    this.#heard = heard;
    return { ...written, from: held.from };
  }

  finish(): Piece | null {
    return this.#write(this.#clock.usual);
  }
}
