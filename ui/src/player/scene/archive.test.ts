import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { endBox } from "../../../dev/scene-bytes";
import type { Fetched } from "../../api/fetched";
import { ArchiveScene, type ArchiveState } from "./archive";
import { FakeFrames, FakeStage } from "./fakes";
import { header, joined, record } from "./fixtures";

const T = 1_700_000_000_000;
const NOW = T + 24 * 3_600_000;
const MINUTE = 60_000;

interface Span {
  fromMs: number;
  toMs: number;
}

/** A camera that was recorded in these times, ten pictures a second, a person going right by a pixel a second. */
function setUp(recorded: Span[]) {
  const stage = new FakeStage();
  const frames = new FakeFrames();
  const asked: [fromS: number, toS: number][] = [];
  const states: ArchiveState[] = [];
  let refuse: Fetched<never> | null = null;
  let held: (() => void)[] | null = null;
  const answer = (fromMs: number, toMs: number): Uint8Array => {
    const times = recorded.flatMap((s) => Array.from({ length: Math.ceil((s.toMs - s.fromMs) / 100) }, (_, i) => s.fromMs + i * 100));
    const before = times.findLast((t) => t <= fromMs && fromMs - t <= 5_000);
    const inside = times.filter((t) => t > fromMs && t < toMs);
    const all = before === undefined ? inside : [before, ...inside];
    const number = (t: number): number => Math.round((t - T) / 100) + 1_000_000;
    const parts = all.map((t, i) => record(i === 0 || t - (all[i - 1] ?? 0) > 100, number(t), t, Math.floor((t - T) / 1000) % 24));
    return joined(...(parts.length > 0 ? [header(), ...parts] : []), endBox(null));
  };
  const player = new ArchiveScene(
    stage,
    {
      list: (fromMs, toMs) =>
        Promise.resolve({
          kind: "ok",
          value: recorded.filter((s) => s.toMs > fromMs && s.fromMs < toMs).map((s) => ({ start_ms: s.fromMs, end_ms: s.toMs })),
        }),
      read: async (fromMs, toMs) => {
        asked.push([(fromMs - T) / 1000, (toMs - T) / 1000]);
        if (held) await new Promise<void>((resolve) => held?.push(resolve));
        return refuse ?? { kind: "ok", value: answer(fromMs, toMs) };
      },
    },
    { state: (s) => states.push(s), summary: () => undefined },
    { now: () => NOW, frames, movement: () => "smooth" },
  );
  const pass = async (ms: number): Promise<void> => {
    for (let gone = 0; gone < ms; gone += 20) {
      await vi.advanceTimersByTimeAsync(20);
      frames.pass(performance.now());
    }
  };
  return {
    stage, frames, asked, states, player, pass,
    refuseWith: (r: Fetched<never>) => { refuse = r; },
    hold: () => { held = []; },
    release: () => { const all = held ?? []; held = null; all.forEach((go) => { go(); }); },
    atS: () => ((states.at(-1)?.wallMs ?? 0) - T) / 1000,
  };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test("a moment is found, shown, and played on from in wall time", async () => {
  const { player, stage, states, asked, pass, atS } = setUp([{ fromMs: T, toMs: T + 5 * MINUTE }]);
  player.seek(T + 10_050);
  await pass(200);
  expect(asked[0]?.[0]).toBe(10.05);
  expect(stage.state.atMs - T).toBeGreaterThanOrEqual(10_000);
  await pass(2_000);
  expect(states.at(-1)?.kind).toBe("playing");
  expect(atS()).toBeGreaterThan(11.7);
  expect(atS()).toBeLessThan(12.4);
});

test("figures glide between recorded pictures", async () => {
  const { player, stage, pass } = setUp([{ fromMs: T, toMs: T + MINUTE }]);
  player.seek(T + 2_800);
  await pass(500);
  const lefts = stage.painted.flatMap((p) => p.figures.map((f) => f.left));
  expect(lefts.some((l) => l % 1 !== 0)).toBe(true);
});

test("what follows is fetched before it is needed, and not twice", async () => {
  const { player, asked, pass, atS } = setUp([{ fromMs: T, toMs: T + 10 * MINUTE }]);
  player.seek(T);
  await pass(70_000);
  expect(atS()).toBeGreaterThan(68);
  asked.reduce((doneS, [fromS, toS]) => {
    expect(fromS).toBeCloseTo(doneS, 0);
    return toS;
  }, 0);
});

test("twice as fast is twice as fast", async () => {
  const { player, pass, atS } = setUp([{ fromMs: T, toMs: T + 10 * MINUTE }]);
  player.seek(T);
  await pass(200);
  const beforeS = atS();
  player.setSpeed(8);
  await pass(5_000);
  expect(atS() - beforeS).toBeGreaterThan(38);
  expect(atS() - beforeS).toBeLessThan(42);
});

test("a hole between recordings takes no time to watch", async () => {
  const { player, pass, atS, states } = setUp([{ fromMs: T, toMs: T + 5_000 }, { fromMs: T + 10 * MINUTE, toMs: T + 11 * MINUTE }]);
  player.seek(T + 3_000);
  await pass(6_000);
  expect(atS()).toBeGreaterThan(600);
  expect(states.at(-1)?.kind).toBe("playing");
});

test("a hole of hours is looked over, and a wish into it shows what comes after", async () => {
  const { player, pass, atS } = setUp([{ fromMs: T, toMs: T + 5_000 }, { fromMs: T + 7 * 60 * MINUTE, toMs: T + 8 * 60 * MINUTE }]);
  player.seek(T + 2 * 60 * MINUTE);
  await pass(1_000);
  expect(atS()).toBeGreaterThanOrEqual(7 * 3_600);
});

test("paused it stands, shows another moment standing, and goes on", async () => {
  const { player, pass, atS, states, frames } = setUp([{ fromMs: T, toMs: T + MINUTE }]);
  player.setPaused(true);
  player.seek(T + 5_000);
  await pass(1_000);
  expect(states.at(-1)).toEqual({ kind: "paused", wallMs: T + 5_000 });
  expect(frames.wanting.size).toBe(0);
  player.seek(T + 9_000);
  await pass(500);
  expect(states.at(-1)).toEqual({ kind: "paused", wallMs: T + 9_000 });
  player.setPaused(false);
  await pass(1_000);
  expect(atS()).toBeGreaterThan(9.8);
});

test("a moment already loaded is shown without asking again", async () => {
  const { player, asked, pass, stage } = setUp([{ fromMs: T, toMs: T + MINUTE }]);
  player.setPaused(true);
  player.seek(T + 1_000);
  await pass(200);
  const count = asked.length;
  player.seek(T + 12_000);
  await pass(40);
  expect(stage.state.atMs).toBe(T + 12_000);
  expect(stage.last?.figures).toMatchObject([{ left: 12 }]);
  player.seek(T + 2_000);
  await pass(40);
  expect(stage.last?.figures).toMatchObject([{ left: 2 }]);
  expect(asked).toHaveLength(count);
});

test("step by step there are no jumps, back and on", async () => {
  const { player, pass, stage, states } = setUp([{ fromMs: T, toMs: T + MINUTE }]);
  player.seek(T + 3_000);
  player.setPaused(true);
  await pass(200);
  player.step(1);
  await pass(40);
  expect(stage.state.atMs).toBe(T + 3_100);
  player.step(-1);
  player.step(-1);
  await pass(40);
  // Before what was fetched: that is fetched too.
  await pass(500);
  expect(states.at(-1)?.kind).toBe("paused");
  expect(stage.state.atMs).toBeLessThan(T + 3_000);
});

test("while a hand drags along, one answer is waited for and the last wish is shown", async () => {
  const { player, asked, pass, hold, release, states } = setUp([{ fromMs: T, toMs: T + 60 * MINUTE }]);
  player.setPaused(true);
  hold();
  for (let i = 0; i < 20; i += 1) {
    player.seek(T + i * MINUTE);
    await pass(20);
  }
  expect(asked.length).toBeLessThanOrEqual(1);
  release();
  await pass(500);
  expect(states.at(-1)).toEqual({ kind: "paused", wallMs: T + 19 * MINUTE });
  expect(asked.length).toBeLessThan(6);
});

test("at the end of what is recorded it says so, and goes on when more comes", async () => {
  const recorded = [{ fromMs: NOW - MINUTE, toMs: NOW - 10_000 }];
  const { player, pass, states } = setUp(recorded);
  player.seek(NOW - 12_000);
  await pass(4_000);
  expect(states.at(-1)?.kind).toBe("ended");
  recorded[0] = { fromMs: NOW - MINUTE, toMs: NOW - 2_000 };
  player.seek(NOW - 9_000);
  await pass(1_000);
  expect(states.at(-1)?.kind).toBe("playing");
});

test("where nothing was recorded it says so", async () => {
  const { player, pass, states } = setUp([]);
  player.seek(NOW - MINUTE);
  await pass(500);
  expect(states.at(-1)).toEqual({ kind: "ended", wallMs: NOW - MINUTE });
});

test("a refusal is passed on in the server's words", async () => {
  const { player, pass, states, refuseWith } = setUp([{ fromMs: T, toMs: T + MINUTE }]);
  refuseWith({ kind: "refused", status: 404, code: "not_found", message: "This camera is gone." });
  player.seek(T);
  await pass(200);
  expect(states.at(-1)).toEqual({ kind: "failed", wallMs: T, message: "This camera is gone." });
});

test("at the end everything is let go", async () => {
  const { player, frames, states, pass } = setUp([{ fromMs: T, toMs: T + MINUTE }]);
  player.seek(T);
  await pass(300);
  player.close();
  const said = states.length;
  await pass(2_000);
  expect(frames.wanting.size).toBe(0);
  expect(states).toHaveLength(said);
});
