/** What of a segment a time needs that is opened: the rule of `within` in the crate louver-vault, where it is explained. */

/** When a fragment's packets arrived, and whether decoding can start with it. */
export interface Arrived {
  /** Its number in the segment. */
  n: number;
  firstMs: number;
  lastMs: number;
  key: boolean;
}

/** So long before a time the group of pictures in which it begins may have begun. */
const GROUP_MS = 10_000;

/** The fragments that hold a time, and those before them of the group in which it begins, where they are there: without its key picture
    nothing of it can be shown. `fragments` and the answer are in the file's order. */
export function within<T extends Arrived>(fragments: readonly T[], fromMs: number, toMs: number): T[] {
  const holds = (f: Arrived) => f.lastMs >= fromMs && f.firstMs < toMs;
  let begins = fragments.findIndex(holds);
  if (begins < 0) return [];
  const rest = fragments.slice(begins).filter(holds);
  const group: T[] = [];
  for (let next = fragments[begins]; next && !next.key; next = fragments[begins]) {
    const before = fragments[--begins];
    // The group's beginning is not there: nothing of it can be shown.
    if (!before || before.n !== next.n - 1 || before.lastMs < fromMs - GROUP_MS) return rest;
    group.unshift(before);
  }
  return [...group, ...rest];
}
