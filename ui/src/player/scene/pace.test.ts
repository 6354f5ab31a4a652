import fc from "fast-check";
import { expect, test } from "vitest";

import { LivePace } from "./pace";

/** A feed of a picture every `everyMs`, each held up by `late(i)`; what was shown at each animation frame. */
function watched(everyMs: number, count: number, late: (i: number) => number): { shownMs: number; newestMs: number }[] {
  const pace = new LivePace();
  const shown = [];
  const arrivals = Array.from({ length: count }, (_, i) => ({ mediaMs: i * everyMs, nowMs: 5_000 + i * everyMs + late(i) }));
  arrivals.sort((a, b) => a.nowMs - b.nowMs || a.mediaMs - b.mediaMs);
  let newestMs = -1;
  for (let nowMs = 5_000; nowMs < 5_000 + count * everyMs; nowMs += 16) {
    for (;;) {
      const next = arrivals[0];
      if (!next || next.nowMs > nowMs) break;
      arrivals.shift();
      if (next.mediaMs <= newestMs) continue;
      newestMs = next.mediaMs;
      pace.arrived(next.mediaMs, next.nowMs);
    }
    const at = pace.at(nowMs);
    if (at !== null) shown.push({ shownMs: at, newestMs });
  }
  return shown;
}

test("nothing is shown before a picture came", () => {
  expect(new LivePace().at(100)).toBeNull();
});

test("an even feed is shown one picture behind, so that there are always two to glide between", () => {
  const shown = watched(100, 60, () => 0).slice(200);
  for (const { shownMs, newestMs } of shown) {
    expect(newestMs - shownMs).toBeGreaterThanOrEqual(-1);
    expect(newestMs - shownMs).toBeLessThanOrEqual(101);
  }
});

test("a feed that stutters is shown evenly, a little later", () => {
  const shown = watched(100, 120, (i) => (i * 37) % 150).slice(300);
  const steps = shown.slice(1).map((s, i) => s.shownMs - (shown[i]?.shownMs ?? 0));
  expect(Math.max(...steps)).toBeLessThan(16 * 1.1);
  expect(Math.min(...steps)).toBeGreaterThan(16 * 0.9);
});

test("however late pictures come, what is shown stays under a second behind the newest", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(3_000), { minLength: 10, maxLength: 60 }), (lates) => {
      const delays: number[] = [];
      let at = 0;
      // A connection keeps order: what comes after something late is late too.
      lates.forEach((late, i) => { at = Math.max(at, i * 100 + late); delays.push(at - i * 100); });
      const pace = new LivePace();
      delays.forEach((late, i) => {
        pace.arrived(i * 100, 1_000 + i * 100 + late);
        pace.at(1_000 + i * 100 + late);
        expect(pace.behindS(1_000 + i * 100 + late) ?? 0).toBeLessThan(1);
      });
    }),
  );
});

test("a clock that goes back or leaps begins anew", () => {
  const pace = new LivePace();
  pace.arrived(1_000_000, 10);
  pace.at(10);
  pace.arrived(500, 20);
  expect(pace.at(20)).toBeLessThan(501);
  pace.arrived(90_000_000, 30);
  expect(pace.at(30)).toBeGreaterThan(89_000_000);
});

test("a moment that is told again later, as when pictures are missing, does not turn the shown time back", () => {
  const pace = new LivePace();
  for (let i = 0; i < 20; i += 1) pace.arrived(i * 100, 5_000 + i * 100);
  const before = pace.at(7_000) ?? 0;
  pace.arrived(1_900, 9_000);
  expect(pace.at(9_000)).toBeGreaterThan(before + 1_800);
});
