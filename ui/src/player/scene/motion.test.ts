import fc from "fast-check";
import { expect, test } from "vitest";

import type { Figure, Pane } from "./model";
import { APPEAR_MS, EASE_MS_MAX, Motion, SMOOTH_MS, VANISH_MS } from "./motion";
import { STATE_HOLDS_MS } from "./state";

function figure(track: number, left: number, more: Partial<Figure> = {}): Figure {
  return { track, kind: "person", left, top: 10, right: left + 20, bottom: 60, vx: 0, vy: 0, ...more };
}

function push(motion: Motion, atMs: number, figures: Figure[], panes: Pane[] = []): void {
  motion.push({ atMs, figures, panes });
}

function walking(): Motion {
  const motion = new Motion();
  push(motion, 0, [figure(1, 0)]);
  push(motion, 200, [figure(1, 100)]);
  return motion;
}

/** Somebody who walks by, as a recorder tells it: each edge snapped to 16 pixels, told only when that changed. */
function passerBy(pxPerS: number): Motion {
  const motion = new Motion();
  let told = "";
  for (let ms = 0; ms <= 6_000; ms += 100) {
    const x = 20 + (pxPerS * ms) / 1000;
    const box = figure(1, Math.floor(x / 16) * 16, { right: Math.ceil((x + 30) / 16) * 16, vx: Math.round(pxPerS / 8) * 8 });
    const now = JSON.stringify([box.left, box.right]);
    if (now !== told || ms % 2_000 === 0) push(motion, ms, [box]);
    told = now;
  }
  return motion;
}

test("between two pictures a figure is between its two places, and arrives", () => {
  const motion = walking();
  expect(motion.at(0)[0]?.left).toBe(0);
  const half = motion.at(100)[0]?.left ?? -1;
  expect(half).toBeGreaterThan(0);
  expect(half).toBeLessThan(100);
  expect(motion.at(200 + SMOOTH_MS)[0]?.left).toBe(100);
});

test("an even speed makes an even way", () => {
  const motion = new Motion();
  for (let ms = 0; ms <= 3_000; ms += 200) push(motion, ms, [figure(1, ms / 2, { vx: 500 })]);
  for (const ms of [1_000, 1_050, 1_333]) expect(motion.at(ms)[0]?.left).toBeCloseTo((ms - SMOOTH_MS / 2) / 2, 6);
});

test.each([25, 45, 80, 160])("somebody who walks at %i pixels a second walks on, and does not hop from grid to grid", (pxPerS) => {
  const motion = passerBy(pxPerS);
  const way = Array.from({ length: 250 }, (_, i) => motion.at(1_500 + i * 16)[0]).flatMap((f) => (f ? [f] : []));
  const middles = way.map((f) => (f.left + f.right) / 2);
  const steps = middles.slice(1).map((x, i) => x - (middles[i] ?? 0));
  const evenStep = (pxPerS * 16) / 1000;
  // Told as it comes, it would stand for most frames and then move by eight or sixteen pixels within a few.
  expect(Math.max(...steps)).toBeLessThan(evenStep * 3 + 0.35);
  expect(Math.min(...steps)).toBeGreaterThan(-0.01);
  const widths = way.map((f) => f.right - f.left);
  expect(Math.max(...widths) - Math.min(...widths)).toBeLessThanOrEqual(16);
});

test("with reduced movement it stands where the last picture had it", () => {
  expect(walking().at(150, "reduced")).toMatchObject([{ left: 0, alpha: 1 }]);
});

test("a figure comes softly where it was seen first, and not before", () => {
  const motion = new Motion();
  push(motion, 0, []);
  push(motion, 200, [figure(7, 40)]);
  expect(motion.at(199)).toEqual([]);
  expect(motion.at(200 + APPEAR_MS / 2)).toMatchObject([{ left: 40, alpha: 0.5 }]);
  expect(motion.at(200 + APPEAR_MS)).toMatchObject([{ alpha: 1 }]);
});

test("the first picture's figures are there at once: they did not come, the viewer did", () => {
  expect(walking().at(1)).toMatchObject([{ alpha: 1 }]);
});

test("a figure that is gone fades where it was last, and is gone after that", () => {
  const motion = walking();
  push(motion, 900, [figure(1, 100)]);
  push(motion, 1_000, []);
  expect(motion.at(1_000 + VANISH_MS / 2)).toMatchObject([{ left: 100, alpha: 0.5 }]);
  expect(motion.at(1_000 + VANISH_MS)).toEqual([]);
});

test("without a newer picture it stands for as long as a state holds, and goes: nobody knows where it is", () => {
  const motion = walking();
  expect(motion.at(200 + STATE_HOLDS_MS)).toMatchObject([{ left: 100, alpha: 1 }]);
  expect(motion.at(200 + STATE_HOLDS_MS + VANISH_MS)).toEqual([]);
  expect(motion.at(200 + STATE_HOLDS_MS, "reduced")).toEqual([]);
  expect(motion.moves(200 + STATE_HOLDS_MS + VANISH_MS)).toBe(false);
});

test("a figure that stood and is then moved stands until shortly before", () => {
  const motion = new Motion();
  push(motion, 0, [figure(1, 0)]);
  push(motion, 2_000, [figure(1, 300)]);
  expect(motion.at(2_000 - EASE_MS_MAX)).toMatchObject([{ left: 0 }]);
  expect(motion.at(2_000 - EASE_MS_MAX / 4)[0]?.left).toBeGreaterThan(20);
  expect(motion.at(1_950, "smooth", 50)).toMatchObject([{ left: 0 }]);
});

test("a figure whose thing is shown as it is stands still with it, as an outline", () => {
  const motion = new Motion();
  const car = { track: 1, kind: "vehicle", left: 0, top: 10, right: 20, bottom: 60, body: new Uint8Array() } as const;
  push(motion, 0, [figure(1, 0)], [car]);
  push(motion, 200, [figure(1, 100)]);
  expect(motion.at(100)).toMatchObject([{ left: 0, outline: true }]);
  expect(motion.panesAt(100)).toEqual([car]);
  expect(motion.panesAt(200)).toEqual([]);
});

test("the same moment told again, as a full record does, changes nothing", () => {
  const motion = walking();
  const before = motion.at(100);
  push(motion, 200, [figure(1, 100)]);
  expect(motion.at(100)).toEqual(before);
});

test("a clock that goes back begins anew instead of flying figures across the picture", () => {
  const motion = walking();
  push(motion, 50, [figure(2, 500)]);
  expect(motion.at(60)).toMatchObject([{ track: 2, alpha: 1 }]);
  expect(motion.newestMs).toBe(50);
});

test("letting go of the past changes nothing that is still drawn", () => {
  const motion = new Motion();
  for (let i = 0; i < 50; i += 1) push(motion, i * 100, i % 7 === 0 ? [] : [figure(1, i)]);
  const before = motion.at(4_250);
  motion.trim(4_250);
  expect(motion.at(4_250)).toEqual(before);
});

const some = fc.record({
  track: fc.nat(4),
  left: fc.integer({ min: -50, max: 700 }),
  width: fc.integer({ min: 1, max: 200 }),
  vx: fc.integer({ min: -32_768, max: 32_767 }),
  vy: fc.integer({ min: -32_768, max: 32_767 }),
});

test("nothing jumps: from frame to frame a figure moves by no more than a small part of its way", () => {
  const motion = new Motion();
  for (let i = 0; i < 40; i += 1) push(motion, i * 150, i === 20 ? [] : [figure(1, (i % 5) * 40)]);
  let last: number | null = null;
  for (let ms = 0; ms < 6_000; ms += 10) {
    const now: number | undefined = motion.at(ms)[0]?.left;
    if (now !== undefined && last !== null) expect(Math.abs(now - last)).toBeLessThan(32);
    last = now ?? null;
  }
});

test("whatever speeds are told, no figure is drawn outside what was seen of it", () => {
  fc.assert(
    fc.property(fc.array(fc.array(some, { maxLength: 5 }), { minLength: 1, maxLength: 12 }), fc.nat(3000), (pictures, ms) => {
      const motion = new Motion();
      pictures.forEach((figures, i) => {
        push(motion, i * 150, figures.map((f) => figure(f.track, f.left, { right: f.left + f.width, vx: f.vx, vy: f.vy })));
      });
      for (const drawn of motion.at(ms)) {
        const seen = pictures.flat().filter((f) => f.track === drawn.track);
        expect(drawn.left).toBeGreaterThanOrEqual(Math.min(...seen.map((f) => f.left)) - 1e-6);
        expect(drawn.right).toBeLessThanOrEqual(Math.max(...seen.map((f) => f.left + f.width)) + 1e-6);
        expect(drawn.right).toBeGreaterThan(drawn.left);
        expect(drawn.alpha).toBeGreaterThanOrEqual(0);
        expect(drawn.alpha).toBeLessThanOrEqual(1);
      }
    }),
  );
});
