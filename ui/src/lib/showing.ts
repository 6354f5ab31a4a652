/** What the camera page shows: now, or a moment that was. */
export type Showing =
  | { kind: "live"; behindS: number | null }
  | { kind: "archive"; atMs: number; paused: boolean };

export const SPEEDS = [0.5, 1, 2, 4, 8] as const;
