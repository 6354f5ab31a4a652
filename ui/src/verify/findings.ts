/** What checking finds. */
export type Step = "unchanged" | "site" | "sealed" | "allowed";

export const STEPS: readonly Step[] = ["unchanged", "site", "sealed", "allowed"];

export interface At {
  segment: number;
  fragment: number;
  /** Arrival of its first picture, ms since 1970, as far as it is known. */
  ms: number | null;
  /** Where its pictures stand in the file. */
  byte: number;
}

export interface Finding {
  step: Step;
  at: At | null;
  sentence: string;
}

/** A finding in one sentence with its place. */
export function told({ at, sentence }: Finding): string {
  if (!at) return sentence;
  const time = at.ms === null ? "" : ` (${new Date(at.ms).toISOString()})`;
  return `Fragment ${String(at.fragment)} of segment ${String(at.segment)}${time}, byte ${String(at.byte)} of the file: ${sentence}`;
}
