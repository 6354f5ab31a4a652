import fc from "fast-check";
import { expect, test } from "vitest";

import type { Span, TimelineEvent } from "../api/types";
import { eventMarks, markOf, merged, msAt, panned, ticks, viewAround, viewAtNow, without, xOf, zoomBy, zoomed } from "./timeline";

const NOW = new Date(2026, 10, 23, 12, 0, 0).getTime();
const HOUR = 3_600_000;

const span = fc
  .tuple(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 0, max: 40 }))
  .map(([at, long]): Span => ({ start_ms: at, end_ms: at + long }));
const spans = fc.array(span, { maxLength: 20 });

function covers(list: readonly Span[], ms: number): boolean {
  return list.some((s) => s.start_ms <= ms && ms < s.end_ms);
}

test("merged spans cover the same time, in order, and do not touch", () => {
  fc.assert(
    fc.property(spans, (list) => {
      const out = merged(list);
      for (let ms = 0; ms < 245; ms += 1) expect(covers(out, ms)).toBe(covers(list, ms));
      out.forEach((s, i) => {
        const next = out[i + 1];
        if (next) expect(s.end_ms).toBeLessThan(next.start_ms);
      });
    }),
  );
});

test("sealed-only time is exactly the sealed time without masked pictures", () => {
  fc.assert(
    fc.property(spans, spans, (sealed, masked) => {
      const out = without(sealed, masked);
      for (let ms = 0; ms < 245; ms += 1) expect(covers(out, ms)).toBe(covers(sealed, ms) && !covers(masked, ms));
    }),
  );
});

test("a place on the line is the moment that stands there", () => {
  const view = viewAtNow(NOW, HOUR);
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1000, noNaN: true }), (x) => {
      expect(xOf(msAt(x, view, 1000), view, 1000)).toBeCloseTo(x, 3);
    }),
  );
});

test("no way of moving shows more of the future than the live view does", () => {
  const last = viewAtNow(NOW, HOUR);
  expect(panned(last, HOUR, NOW)).toEqual(last);
  expect(viewAround(NOW + HOUR, HOUR, NOW)).toEqual(last);
  expect(viewAround(NOW, HOUR, NOW).toMs).toBeLessThanOrEqual(last.toMs);
});

test("zooming keeps the moment under the pointer where it is", () => {
  const view = { fromMs: NOW - 5 * HOUR, toMs: NOW - 4 * HOUR };
  const anchor = NOW - 4.25 * HOUR;
  const next = zoomed(view, HOUR / 4, anchor, NOW);
  expect(xOf(anchor, next, 1000)).toBeCloseTo(xOf(anchor, view, 1000));
  expect(next.toMs - next.fromMs).toBeCloseTo(HOUR / 4);
});

test("zooming stops at both ends", () => {
  expect(zoomBy("15m", -1)).toBe("15m");
  expect(zoomBy("15m", 1)).toBe("1h");
  expect(zoomBy("24h", 1)).toBe("24h");
});

test("a short event is drawn wide enough to see and to hit", () => {
  const view = { fromMs: NOW - 24 * HOUR, toMs: NOW };
  expect(markOf({ start_ms: NOW - HOUR, end_ms: NOW - HOUR + 1000 }, view, 1000, 3)?.width).toBe(3);
  expect(markOf({ start_ms: NOW - 30 * HOUR, end_ms: NOW - 25 * HOUR }, view, 1000)).toBeNull();
});

function person(start_ms: number, end_ms: number | null): TimelineEvent {
  return { id: String(start_ms), class: "person", start_ms, end_ms };
}

test("events too close to tell apart become one mark that counts them", () => {
  const view = { fromMs: 0, toMs: 1000 };
  const marks = eventMarks([person(500, 510), person(100, 110), person(112, 130)], "person", view, 1000, 1000);
  expect(marks.map((m) => [m.count, m.startMs, m.endMs])).toEqual([[2, 100, 130], [1, 500, 510]]);
});

test("an event that goes on reaches to now, and other classes stay off the lane", () => {
  const view = { fromMs: 0, toMs: 1000 };
  expect(eventMarks([person(900, null)], "person", view, 1000, 950)[0]).toMatchObject({ x: 900, width: 50 });
  expect(eventMarks([person(900, null)], "animal", view, 1000, 950)).toEqual([]);
});

test("labels stand on round local times and never crowd", () => {
  for (const spanMs of [HOUR / 4, HOUR, 6 * HOUR, 24 * HOUR]) {
    for (const width of [300, 800, 1600]) {
      const labels = ticks({ fromMs: NOW - spanMs - 12_345, toMs: NOW - 12_345 }, width).filter((t) => t.label);
      expect(labels.length).toBeGreaterThan(0);
      labels.forEach((t, i) => {
        expect(new Date(t.ms).getSeconds()).toBe(0);
        const next = labels[i + 1];
        if (next) expect(((next.ms - t.ms) / spanMs) * width).toBeGreaterThanOrEqual(64);
      });
    }
  }
});
