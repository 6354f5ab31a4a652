/** Camera time to the time in a video file, group by group. The rules are those of louver-vault's `opening`. */
import { TICKS } from "./fmp4";
import type { Picture } from "./open";

const SECOND = BigInt(TICKS);
/** How far media time and arrival may disagree before the camera's clock is not trusted: arrivals bunch up on a bad network. */
const TRUST = 5n * SECOND;
/** Reordered pictures may lie this far before the end of the group before. */
const REORDER = SECOND;
/** What counts as a hole, when it is four pictures long as well. */
const HOLE = 2n * SECOND;
/** How long a picture is shown when nothing tells: 25 a second. */
const USUAL = SECOND / 25n;

export interface Step {
  /** Media time that stands for the file's time zero, for this group. */
  origin: bigint;
  /** How long the last picture before it is shown, ticks. */
  shownBefore: bigint;
  /** A hole before it, ms since 1970. */
  gap: { fromMs: number; toMs: number } | null;
  /** Its pictures belong between those of the group before. */
  reordered: boolean;
}

interface Before {
  origin: bigint;
  latest: bigint;
  arrivedUs: bigint;
  usual: bigint;
}

const abs = (value: bigint) => (value < 0n ? -value : value);
const least = (values: readonly bigint[]) => values.reduce((a, b) => (a < b ? a : b));
const most = (values: readonly bigint[]) => values.reduce((a, b) => (a > b ? a : b));

export class Clock {
  #before: Before | null = null;

  get usual(): bigint {
    return this.#before?.usual ?? USUAL;
  }

  /** Takes the next group: one picture at least. */
  step(pictures: readonly Picture[]): Step {
    const media = pictures.map((picture) => picture.media);
    const walls = pictures.map((picture) => picture.wallUs);
    const [earliest, latest] = [least(media), most(media)];
    const [first, arrivedUs] = [walls[0] ?? 0n, walls[walls.length - 1] ?? 0n];
    const usual = this.#usualOf(pictures.length, latest - earliest);
    const before = this.#before;
    const step: Step = before
      ? place(before, earliest, first)
      : { origin: earliest, shownBefore: 0n, gap: null, reordered: false };
    this.#before =
      before && step.reordered
        ? { origin: step.origin, latest: most([latest, before.latest]), arrivedUs, usual: before.usual }
        : { origin: step.origin, latest, arrivedUs, usual };
    return step;
  }

  /** Mean distance of a group's pictures, within 1 ms and 10 s. */
  #usualOf(count: number, span: bigint): bigint {
    if (count < 2) return this.usual;
    const mean = span / BigInt(count - 1);
    return most([90n, least([mean, 10n * SECOND])]);
  }
}

function place(before: Before, earliest: bigint, first: bigint): Step {
  const media = earliest - before.latest;
  const arrival = ((first - before.arrivedUs) * SECOND) / 1_000_000n;
  const trusted = media > -REORDER && abs(media - arrival) <= TRUST;
  const after = trusted ? media : most([arrival, before.usual]);
  const hole = after > HOLE && after > 4n * before.usual;
  return {
    origin: trusted ? before.origin : before.origin + media - after,
    shownBefore: hole ? before.usual : most([after, 0n]),
    gap: hole ? { fromMs: Number(before.arrivedUs) / 1000, toMs: Number(first) / 1000 } : null,
    reordered: trusted && media <= 0n,
  };
}
