/** Heights of the drawn timeline, pixels: ruler, one lane a class, recordings, gaps. */
import { CLASSES } from "./classes";

export const RULER = 30;
export const LANE = 18;

export function laneTop(lane: number): number {
  return RULER + 2 + lane * LANE;
}

export const RECORD_TOP = laneTop(CLASSES.length) + 6;
export const LANES_HEIGHT = RECORD_TOP + LANE + 8;

/** Which class lane a height is in; `null` on the ruler and on the recordings. */
export function laneAt(y: number): number | null {
  const lane = Math.floor((y - laneTop(0)) / LANE);
  return lane >= 0 && lane < CLASSES.length ? lane : null;
}
