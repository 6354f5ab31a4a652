/** Timeline arithmetic: spans of time to places on a line and back. No clock, no drawing. */

import type { EventClass, Span, TimelineEvent } from "../api/types";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** What the timeline can show at once, in order. */
export const ZOOMS = [
  { id: "15m", label: "15 min", spanMs: 15 * MINUTE },
  { id: "1h", label: "1 h", spanMs: HOUR },
  { id: "6h", label: "6 h", spanMs: 6 * HOUR },
  { id: "24h", label: "24 h", spanMs: 24 * HOUR },
] as const;

export type ZoomId = (typeof ZOOMS)[number]["id"];

export function spanOf(zoom: ZoomId): number {
  return ZOOMS.find((z) => z.id === zoom)?.spanMs ?? HOUR;
}

/** The next zoom in (`-1`, a shorter span) or out (`1`); the last one stays. */
export function zoomBy(zoom: ZoomId, step: -1 | 1): ZoomId {
  const at = ZOOMS.findIndex((z) => z.id === zoom);
  return ZOOMS[Math.min(ZOOMS.length - 1, Math.max(0, at + step))]?.id ?? zoom;
}

/** What is in view, ms since 1970. */
export interface View {
  fromMs: number;
  toMs: number;
}

/** How much of the view lies after now when the view follows it. */
const FUTURE_SHARE = 0.04;

/** The view that ends a little after now. */
export function viewAtNow(nowMs: number, spanMs: number): View {
  const toMs = nowMs + spanMs * FUTURE_SHARE;
  return { fromMs: toMs - spanMs, toMs };
}

/** The view around a moment, but not further into the future than `viewAtNow`. */
export function viewAround(ms: number, spanMs: number, nowMs: number): View {
  return heldBack({ fromMs: ms - spanMs / 2, toMs: ms + spanMs / 2 }, nowMs);
}

/** Moved by `shiftMs`, held back at now. */
export function panned(view: View, shiftMs: number, nowMs: number): View {
  return heldBack({ fromMs: view.fromMs + shiftMs, toMs: view.toMs + shiftMs }, nowMs);
}

/** Another span around the same moment `anchorMs`, which stays where it is on the line. */
export function zoomed(view: View, spanMs: number, anchorMs: number, nowMs: number): View {
  const share = (anchorMs - view.fromMs) / (view.toMs - view.fromMs);
  const fromMs = anchorMs - share * spanMs;
  return heldBack({ fromMs, toMs: fromMs + spanMs }, nowMs);
}

function heldBack(view: View, nowMs: number): View {
  const last = viewAtNow(nowMs, view.toMs - view.fromMs);
  return view.toMs > last.toMs ? last : view;
}

export function xOf(ms: number, view: View, width: number): number {
  return ((ms - view.fromMs) / (view.toMs - view.fromMs)) * width;
}

export function msAt(x: number, view: View, width: number): number {
  return view.fromMs + (x / width) * (view.toMs - view.fromMs);
}

/** Spans in order, those that touch or overlap made one. */
export function merged(spans: readonly Span[]): Span[] {
  const out: Span[] = [];
  for (const span of [...spans].sort((a, b) => a.start_ms - b.start_ms)) {
    const last = out.at(-1);
    if (last && span.start_ms <= last.end_ms) last.end_ms = Math.max(last.end_ms, span.end_ms);
    else if (span.end_ms > span.start_ms) out.push({ start_ms: span.start_ms, end_ms: span.end_ms });
  }
  return out;
}

/** What of `spans` is not in `less`: the sealed-only time is `without(sealed, masked)`. */
export function without(spans: readonly Span[], less: readonly Span[]): Span[] {
  const out: Span[] = [];
  const holes = merged(less);
  for (const span of merged(spans)) {
    let at = span.start_ms;
    for (const hole of holes) {
      if (hole.end_ms <= at || hole.start_ms >= span.end_ms) continue;
      if (hole.start_ms > at) out.push({ start_ms: at, end_ms: hole.start_ms });
      at = Math.max(at, hole.end_ms);
    }
    if (at < span.end_ms) out.push({ start_ms: at, end_ms: span.end_ms });
  }
  return out;
}

/** A mark on a line: pixels. */
export interface Mark {
  x: number;
  width: number;
}

/** The part of a span that is in view, at least `minPx` wide; `null` when none is. */
export function markOf(span: Span, view: View, width: number, minPx = 1): Mark | null {
  if (span.end_ms < view.fromMs || span.start_ms > view.toMs) return null;
  const from = Math.max(0, xOf(span.start_ms, view, width));
  const to = Math.min(width, xOf(span.end_ms, view, width));
  return { x: from, width: Math.max(minPx, to - from) };
}

export interface EventMark extends Mark {
  class: EventClass;
  /** How many events stand behind this mark. */
  count: number;
  /** The first of them. */
  id: string;
  startMs: number;
  endMs: number;
}

/** Events of one class as marks; those closer than `gapPx` are drawn as one, so that a busy day stays readable. */
export function eventMarks(
  events: readonly TimelineEvent[],
  of: EventClass,
  view: View,
  width: number,
  nowMs: number,
  gapPx = 2,
): EventMark[] {
  const out: EventMark[] = [];
  const own = events.filter((e) => e.class === of).sort((a, b) => a.start_ms - b.start_ms);
  for (const event of own) {
    const endMs = event.end_ms ?? nowMs;
    const mark = markOf({ start_ms: event.start_ms, end_ms: endMs }, view, width, 3);
    if (!mark) continue;
    const last = out.at(-1);
    if (last && mark.x <= last.x + last.width + gapPx) {
      last.width = Math.max(last.width, mark.x + mark.width - last.x);
      last.endMs = Math.max(last.endMs, endMs);
      last.count += 1;
    } else {
      out.push({ ...mark, class: of, count: 1, id: event.id, startMs: event.start_ms, endMs });
    }
  }
  return out;
}

export interface Tick {
  ms: number;
  /** A round time that deserves a label. */
  label: boolean;
}

const TICK_STEPS = [
  MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE,
  HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR,
] as const;

/** Round local times in view, their labels at least `labelPx` apart. */
export function ticks(view: View, width: number, labelPx = 64): Tick[] {
  const pxPerMs = width / (view.toMs - view.fromMs);
  const labelStep = TICK_STEPS.find((s) => s * pxPerMs >= labelPx) ?? 24 * HOUR;
  const step = TICK_STEPS.find((s) => s * pxPerMs >= 10 && labelStep % s === 0) ?? labelStep;
  // Local midnight, so that ticks stand on the hours of the viewer's zone.
  const start = new Date(view.fromMs);
  start.setHours(0, 0, 0, 0);
  const midnight = start.getTime();
  const out: Tick[] = [];
  for (let n = Math.ceil((view.fromMs - midnight) / step); midnight + n * step <= view.toMs; n += 1) {
    out.push({ ms: midnight + n * step, label: (n * step) % labelStep === 0 });
  }
  return out;
}
