import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { backoffMs } from "./backoff";
import { FakeFrames, FakeSocket, FakeStage } from "./fakes";
import { header, joined, record } from "./fixtures";
import { LiveScene, type LiveState } from "./live";
import type { Summary } from "./summary";

const T = 1_700_000_000_000;

function setUp() {
  const stage = new FakeStage();
  const frames = new FakeFrames();
  const sockets: FakeSocket[] = [];
  const states: LiveState[] = [];
  const notices: (string | null)[] = [];
  const summaries: Summary[] = [];
  const player = new LiveScene(
    stage,
    "ws://louver.test/scene",
    { state: (s) => states.push(s), notice: (t) => notices.push(t), summary: (s) => summaries.push(s) },
    {
      frames,
      chance: () => 0.5,
      movement: () => "smooth",
      connect: () => {
        const socket = new FakeSocket();
        sockets.push(socket);
        return socket as unknown as WebSocket;
      },
    },
  );
  const socket = (): FakeSocket => {
    const last = sockets.at(-1);
    if (!last) throw new Error("no connection yet");
    return last;
  };
  /** Time goes on, with a frame every 20 ms. */
  const pass = (ms: number): void => {
    for (let gone = 0; gone < ms; gone += 20) {
      vi.advanceTimersByTime(20);
      frames.pass(performance.now());
    }
  };
  const begin = (): void => {
    player.play();
    socket().onopen?.();
    socket().bytes(joined(header(), record(true, 1, T, 0)));
  };
  return { stage, frames, sockets, states, notices, summaries, player, socket, pass, begin };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test("the first record is drawn, and the state says how far behind it is", () => {
  const { stage, states, pass, begin } = setUp();
  begin();
  pass(500);
  expect(stage.last).toMatchObject({ freshness: "fresh", figures: [{ left: 0, alpha: 1 }] });
  expect(states.at(-1)).toMatchObject({ kind: "playing" });
});

test("between two pictures the figure glides, under a second behind", () => {
  const { stage, states, socket, pass, begin } = setUp();
  begin();
  for (let n = 1; n < 30; n += 1) {
    pass(100);
    socket().bytes(record(false, n + 1, T + n * 100, (n * 2) % 24));
  }
  const places = new Set(stage.painted.slice(-20).flatMap((p) => p.figures.map((f) => Math.round(f.left * 10))));
  expect(places.size).toBeGreaterThan(10);
  const behind = states.at(-1);
  expect(behind?.kind === "playing" ? behind.behindS : 9).toBeLessThan(0.5);
});

test("a quiet place asks for no frames, and a new record wakes it", () => {
  const { frames, socket, pass, begin } = setUp();
  begin();
  socket().bytes(record(false, 2, T + 100, null));
  pass(1_000);
  expect(frames.wanting.size).toBe(0);
  socket().bytes(record(false, 3, T + 1_100, 4));
  expect(frames.wanting.size).toBe(1);
});

test("a picture that is not followed by another is said to be old, and loses its figures", () => {
  const { stage, states, pass, begin } = setUp();
  begin();
  pass(5_600);
  expect(states.at(-1)).toEqual({ kind: "stalled", sinceMs: T });
  expect(stage.last).toMatchObject({ freshness: "old", figures: [] });
});

test("records that only say that nothing changed keep it fresh", () => {
  const { stage, states, socket, pass, begin } = setUp();
  begin();
  for (let n = 1; n < 8; n += 1) {
    pass(2_000);
    socket().bytes(record(false, n + 1, T + n * 2_000, 0));
  }
  pass(500);
  expect(states.at(-1)).toMatchObject({ kind: "playing" });
  expect(stage.last).toMatchObject({ freshness: "fresh", figures: [{ left: 0 }] });
});

test("a lost connection is tried again, later each time, and a record ends the count", () => {
  const { sockets, states, pass, begin, socket } = setUp();
  begin();
  pass(300);
  socket().onclose?.();
  expect(states.at(-1)).toEqual({ kind: "retrying", attempt: 1, sinceMs: T });
  vi.advanceTimersByTime(500);
  expect(sockets).toHaveLength(2);
  socket().onclose?.();
  vi.advanceTimersByTime(999);
  expect(sockets).toHaveLength(2);
  vi.advanceTimersByTime(1);
  expect(sockets).toHaveLength(3);
  socket().bytes(joined(header(), record(true, 9, T + 3_000)));
  pass(300);
  socket().onclose?.();
  expect(states.at(-1)).toMatchObject({ kind: "retrying", attempt: 1 });
});

test("without a connection the last picture soon looks old", () => {
  const { stage, pass, begin, socket } = setUp();
  begin();
  pass(300);
  socket().onclose?.();
  pass(2_000);
  expect(stage.last).toMatchObject({ freshness: "old", figures: [] });
});

test("the same stream after a lost connection goes on without forgetting the place", () => {
  const { stage, pass, begin, socket } = setUp();
  begin();
  pass(300);
  socket().onclose?.();
  vi.advanceTimersByTime(600);
  socket().bytes(joined(header(), record(true, 40, T + 1_000, 8)));
  expect(stage.begun).toBe(1);
  socket().bytes(joined(header(2), record(true, 1, T + 2_000, 8)));
  expect(stage.begun).toBe(2);
});

test("after a missing delta nothing changes until a full record comes, which a new connection brings", () => {
  const { stage, begin, socket, sockets } = setUp();
  begin();
  socket().bytes(record(false, 3, T + 200, 16));
  expect(stage.state.figures).toMatchObject([{ left: 0 }]);
  expect(sockets[0]?.closed).toBe(true);
  vi.advanceTimersByTime(600);
  socket().bytes(joined(header(), record(true, 3, T + 200, 16)));
  expect(stage.state.figures).toMatchObject([{ left: 16 }]);
});

test("deltas that the full record already contains are passed over", () => {
  const { stage, begin, socket, sockets } = setUp();
  begin();
  socket().bytes(joined(record(true, 5, T + 400, 16), record(false, 4, T + 300, 0), record(false, 5, T + 400, 0), record(false, 6, T + 500, 20)));
  expect(stage.state.figures).toMatchObject([{ left: 20 }]);
  expect(sockets[0]?.closed).toBe(false);
});

test("a connection that has gone silent is taken for dead", () => {
  const { sockets, begin } = setUp();
  begin();
  vi.advanceTimersByTime(21_000);
  expect(sockets[0]?.closed).toBe(true);
  expect(sockets.length).toBeGreaterThan(1);
});

test("a camera that has no pictures yet, or none any more, is waited for on the same connection", () => {
  const { player, sockets, states, stage, socket, pass } = setUp();
  player.play();
  socket().onopen?.();
  pass(60_000);
  expect(states.at(-1)).toEqual({ kind: "waiting" });
  socket().bytes(joined(header(), record(true, 1, T, null, 6)));
  pass(60_000);
  expect(states.at(-1)).toEqual({ kind: "stalled", sinceMs: T });
  expect(stage.last).toMatchObject({ freshness: "old" });
  expect(sockets).toHaveLength(1);
  socket().bytes(record(false, 2, T + 60_000, 8));
  pass(500);
  expect(states.at(-1)).toMatchObject({ kind: "playing" });
});

test("while nobody looks nothing is fetched, and what is left on the canvas is marked old", () => {
  const { player, sockets, states, stage, pass, begin } = setUp();
  begin();
  pass(200);
  player.pause();
  pass(60_000);
  expect(sockets[0]?.closed).toBe(true);
  expect(sockets).toHaveLength(1);
  expect(states.at(-1)).toEqual({ kind: "paused" });
  expect(stage.last).toMatchObject({ freshness: "old", figures: [] });
  player.play();
  expect(sockets).toHaveLength(2);
});

test("after the end nothing is said, tried or drawn", () => {
  const { player, states, sockets, frames, begin } = setUp();
  begin();
  const said = states.length;
  const socket = sockets[0];
  player.close();
  socket?.onclose?.();
  vi.advanceTimersByTime(60_000);
  expect(states).toHaveLength(said);
  expect(sockets).toHaveLength(1);
  expect(frames.wanting.size).toBe(0);
});

test("a newer recorder's stream is said, not retried", () => {
  const { player, socket, states, sockets } = setUp();
  player.play();
  const newer = header();
  newer[8] = 2;
  socket().bytes(newer);
  vi.advanceTimersByTime(60_000);
  expect(states.at(-1)).toEqual({ kind: "foreign" });
  expect(sockets).toHaveLength(1);
});

test("notices and what the picture says go to the page, each once", () => {
  const { notices, summaries, socket, begin } = setUp();
  begin();
  socket().text({ type: "notice", text: "The disk is full" });
  socket().text({ type: "notice", text: null });
  socket().bytes(record(false, 2, T + 100, 8, 2));
  socket().bytes(record(false, 3, T + 200, 16, 2));
  expect(notices).toEqual(["The disk is full", null]);
  expect(summaries.map((s) => [s.why, s.counts.person])).toEqual([["fine", 1], ["light_changed", 1]]);
});

test("whatever comes over the connection, the player does not throw", () => {
  const { socket, begin } = setUp();
  begin();
  for (const data of ["{", "null", '"x"', '{"type":7}', new ArrayBuffer(3), new Uint8Array(64).fill(255).buffer, null, 7]) {
    socket().onmessage?.({ data });
  }
});

test("waits between tries grow, and never beyond 18 s", () => {
  fc.assert(
    fc.property(fc.nat(2000), fc.double({ min: 0, max: 1, noNaN: true }), (attempt, chance) => {
      expect(backoffMs(attempt, chance)).toBeLessThanOrEqual(18_000);
      expect(backoffMs(attempt, chance)).toBeGreaterThanOrEqual(400);
    }),
  );
});
