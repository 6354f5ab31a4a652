import fc from "fast-check";
import { expect, test } from "vitest";

import { endBox } from "../../../dev/scene-bytes";
import { header, joined, record } from "./fixtures";
import { Reel } from "./reel";

/** Records ten a second, a full one every so often. */
function minutes(count: number, fullEvery = 600): Reel {
  const reel = new Reel();
  const parts = Array.from({ length: count * 600 }, (_, i) => record(i % fullEvery === 0, i, i * 100));
  reel.append(joined(header(), ...parts, endBox(null)));
  return reel;
}

test("the record of a moment is the last one not after it", () => {
  const reel = minutes(1);
  expect(reel.indexAt(0)).toBe(0);
  expect(reel.indexAt(1_099)).toBe(10);
  expect(reel.indexAt(1_100)).toBe(11);
  expect(reel.indexAt(-5)).toBe(0);
  expect(reel.indexAt(1e9)).toBe(599);
});

test("a state grows from the last full record", () => {
  const reel = minutes(1, 100);
  expect(reel.rootOf(99)).toBe(0);
  expect(reel.rootOf(100)).toBe(100);
  expect(reel.rootOf(250)).toBe(200);
});

test("an answer says how much was new and where it ended", () => {
  const reel = new Reel();
  expect(reel.append(joined(header(), record(true, 7, 500), record(false, 8, 600), endBox(60_000)))).toEqual({ added: 2, end: { nextMs: 60_000 } });
  // The next one begins with the state that this one ended with.
  expect(reel.append(joined(header(), record(true, 8, 600), record(false, 9, 700), endBox(null)))).toEqual({ added: 1, end: { nextMs: null } });
  expect(reel.append(joined(header(), record(true, 9, 700)))).toEqual({ added: 0, end: null });
  expect(reel.length).toBe(3);
});

test("what lies minutes behind is let go of, up to a full record", () => {
  const reel = minutes(6);
  const gone = reel.trim(reel.indexAt(5 * 60_000));
  expect(gone).toBe(1_800);
  expect(reel.first?.record.full).toBe(true);
  expect(reel.trim(reel.indexAt(5 * 60_000))).toBe(0);
});

test("a clock that was set back does not turn the order round", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(100_000), { minLength: 1, maxLength: 40 }), fc.nat(120_000), (times, ms) => {
      const reel = new Reel();
      reel.append(joined(header(), ...times.map((t, i) => record(true, i, t))));
      const all = Array.from({ length: reel.length }, (_, i) => reel.entry(i)?.atMs ?? -1);
      expect(all).toEqual([...all].sort((a, b) => a - b));
      const index = reel.indexAt(ms);
      expect(index === 0 || (all[index] ?? 0) <= ms).toBe(true);
      expect((all[index + 1] ?? Infinity) > ms).toBe(true);
    }),
  );
});
