/** Deciding how to stay close to what happens now: numbers in, one act out. */

/** Behind the newest picture by more than this: jump. */
export const JUMP_BEHIND_S = 1.2;
/** Where a jump lands, and what playing aims for: enough for one late fragment. */
export const AIM_BEHIND_S = 0.35;
/** Above this, play a little faster until the aim is reached. */
const HURRY_BEHIND_S = 0.7;
/** Below this, play a little slower, so that the picture does not stop and start. */
const LINGER_BEHIND_S = 0.12;
/** Pictures older than this are let go. */
const KEEP_S = 12;
/** Let go only when this much would go: removing costs. */
const TRIM_STEP_S = 8;

export interface Span {
  fromS: number;
  toS: number;
}

export interface EdgeView {
  /** Where the player is. */
  atS: number;
  /** What is buffered, in order. */
  ranges: readonly Span[];
  rate: number;
}

export interface EdgeActs {
  behindS: number;
  jumpToS: number | null;
  rate: number;
  trim: Span | null;
}

/** What to do now; `null` before there is anything to show. */
export function keepAtEdge(view: EdgeView): EdgeActs | null {
  const last = view.ranges.at(-1);
  const first = view.ranges[0];
  if (!last || !first) return null;
  const behindS = last.toS - view.atS;
  const aim = Math.max(last.fromS, last.toS - AIM_BEHIND_S);
  const inHole = view.atS < last.fromS - 0.01 && !view.ranges.some((r) => r.fromS <= view.atS && view.atS < r.toS - 0.05);
  const jump = behindS > JUMP_BEHIND_S || inHole || behindS < -0.5;
  const trimTo = view.atS - KEEP_S;
  return {
    behindS: Math.max(0, jump ? last.toS - aim : behindS),
    jumpToS: jump ? aim : null,
    rate: jump ? 1 : rateFor(behindS, view.rate),
    trim: trimTo - first.fromS > TRIM_STEP_S ? { fromS: first.fromS, toS: trimTo } : null,
  };
}

function rateFor(behindS: number, rate: number): number {
  if (behindS > HURRY_BEHIND_S) return 1.1;
  if (behindS < LINGER_BEHIND_S) return 0.95;
  // Hold a nudge until the aim is passed, so that the rate does not flutter.
  if (rate > 1 && behindS > AIM_BEHIND_S) return rate;
  if (rate < 1 && behindS < AIM_BEHIND_S * 0.7) return rate;
  return 1;
}

/** Waits before the next try: 0.5 s, doubling, at most 15 s, with a fifth of chance so that many pages spread out. */
export function backoffMs(attempt: number, chance: number): number {
  const base = Math.min(15_000, 500 * 2 ** Math.min(attempt, 10));
  return Math.round(base * (0.8 + 0.4 * chance));
}
