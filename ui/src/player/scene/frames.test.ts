import { expect, test } from "vitest";

import { Frames } from "./frames";

function setUp() {
  let waiting: ((nowMs: number) => void) | null = null;
  const frames = new Frames({
    request: (run) => {
      expect(waiting).toBeNull();
      waiting = run;
      return 1;
    },
    cancel: () => {
      waiting = null;
    },
  });
  const pass = (nowMs: number): boolean => {
    const run = waiting;
    waiting = null;
    run?.(nowMs);
    return run !== null;
  };
  return { frames, pass };
}

test("all pictures share one frame, and each is drawn as long as it says so", () => {
  const { frames, pass } = setUp();
  const drawn: string[] = [];
  let left = 2;
  frames.want((ms) => { drawn.push(`a${String(ms)}`); return (left -= 1) > 0; });
  frames.want((ms) => { drawn.push(`b${String(ms)}`); return false; });
  pass(1);
  pass(2);
  expect(drawn).toEqual(["a1", "b1", "a2"]);
  expect(pass(3)).toBe(false);
});

test("while nobody wants a frame the browser is not asked for one", () => {
  const { frames, pass } = setUp();
  const draw = () => true;
  frames.want(draw);
  expect(pass(1)).toBe(true);
  frames.forget(draw);
  expect(pass(2)).toBe(false);
});
