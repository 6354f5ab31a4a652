/** Waits before the next try: 0.5 s, doubling, at most 15 s, with a fifth of chance so that many pages spread out. */
export function backoffMs(attempt: number, chance: number): number {
  const base = Math.min(15_000, 500 * 2 ** Math.min(attempt, 10));
  return Math.round(base * (0.8 + 0.4 * chance));
}
