import type { Span } from "./live-edge";

/** Time ranges as plain numbers. */
export function spans(ranges: TimeRanges): Span[] {
  return Array.from({ length: ranges.length }, (_, i) => ({ fromS: ranges.start(i), toS: ranges.end(i) }));
}
