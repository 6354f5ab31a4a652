import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { FakeMedia, FakeSocket, FakeVideo } from "./fakes";
import { AIM_BEHIND_S, backoffMs, JUMP_BEHIND_S, keepAtEdge } from "./live-edge";
import { LivePlayer, type LiveState } from "./live-player";
import { readLiveMessage } from "./wire";

const MIME = 'video/mp4; codecs="avc1.42001e"';

function setUp() {
  const video = new FakeVideo();
  const media = new FakeMedia();
  const sockets: FakeSocket[] = [];
  const states: LiveState[] = [];
  const notices: (string | null)[] = [];
  const player = new LivePlayer(
    video as unknown as HTMLVideoElement,
    "ws://louver.test/live",
    { state: (s) => states.push(s), notice: (t) => notices.push(t) },
    {
      media,
      chance: () => 0.5,
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
  const begin = (): void => {
    player.play();
    socket().onopen?.();
    socket().text({ type: "start", mime: MIME });
    media.last.open();
  };
  return { video, media, sockets, states, notices, player, socket, begin };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test("start, key and what follows are appended one after the other, in order", () => {
  const { media, socket, begin } = setUp();
  begin();
  socket().binary(0, 10);
  socket().binary(2, 20);
  socket().binary(1, 30);
  expect(media.buffer.appended).toEqual([[10]]);
  media.buffer.settle();
  expect(media.buffer.appended).toEqual([[10], [20], [30]]);
});

test("what comes before the source is open is kept, so that a viewer sees a picture at once", () => {
  const { media, socket, player } = setUp();
  player.play();
  socket().text({ type: "start", mime: MIME });
  socket().binary(0, 10);
  socket().binary(2, 20);
  socket().binary(1, 30);
  media.last.open();
  media.buffer.settle();
  expect(media.buffer.appended).toEqual([[10], [20], [30]]);
});

test("nothing is shown before a fragment that a player can start with", () => {
  const { media, socket, begin } = setUp();
  begin();
  socket().binary(0, 10);
  socket().binary(1, 99);
  socket().binary(2, 20);
  media.buffer.settle();
  expect(media.buffer.appended).toEqual([[10], [20]]);
});

test("a decoder that does not keep up loses pictures up to the next key, and memory stays bounded", () => {
  const { media, socket, begin } = setUp();
  begin();
  const megabyte = new Uint8Array(9 + 1024 * 1024);
  megabyte[0] = 2;
  socket().binary(0, 10);
  for (let i = 0; i < 7; i += 1) socket().onmessage?.({ data: megabyte.slice().buffer });
  socket().binary(1, 77);
  socket().binary(2, 88);
  media.buffer.settle();
  const total = media.buffer.appended.reduce((sum, bytes) => sum + bytes.length, 0);
  expect(total).toBeLessThan(7 * 1024 * 1024);
  expect(media.buffer.appended.filter((bytes) => bytes.length === 1)).toEqual([[10], [88]]);
});

test("too far behind, it jumps close to the newest picture and says how far behind it is", () => {
  const { video, states, begin } = setUp();
  begin();
  video.ranges = [[0, 10]];
  video.currentTime = 3;
  vi.advanceTimersByTime(250);
  expect(video.currentTime).toBeCloseTo(10 - AIM_BEHIND_S);
  expect(video.paused).toBe(false);
  expect(states.at(-1)).toEqual({ kind: "playing", behindS: expect.closeTo(AIM_BEHIND_S) as number });
});

test("a picture that nothing follows is not called live", () => {
  const { video, states, begin, socket } = setUp();
  begin();
  socket().binary(2, 20);
  video.ranges = [[0, 10]];
  video.currentTime = 9.8;
  vi.advanceTimersByTime(1_000);
  expect(states.at(-1)).toMatchObject({ kind: "playing" });
  vi.advanceTimersByTime(4_000);
  expect(states.at(-1)).toEqual({ kind: "stalled" });
  socket().binary(1, 30);
  vi.advanceTimersByTime(250);
  expect(states.at(-1)).toMatchObject({ kind: "playing" });
});

test("old pictures are let go", () => {
  const { video, media, socket, begin } = setUp();
  begin();
  socket().binary(0, 10);
  media.buffer.settle();
  video.ranges = [[0, 60]];
  video.currentTime = 59.7;
  vi.advanceTimersByTime(250);
  expect(media.buffer.done.at(-1)).toEqual({ fromS: 0, toS: expect.closeTo(47.7) as number });
});

test("a full buffer is emptied behind the picture, and playing goes on from the next key", () => {
  const { video, media, socket, begin } = setUp();
  begin();
  socket().binary(0, 10);
  media.buffer.settle();
  video.ranges = [[0, 30]];
  video.currentTime = 29;
  media.buffer.refuse = new DOMException("no room", "QuotaExceededError");
  socket().binary(2, 20);
  expect(media.buffer.done.at(-1)).toEqual({ fromS: 0, toS: 28 });
  socket().binary(1, 30);
  socket().binary(2, 40);
  media.buffer.settle();
  expect(media.buffer.appended).toEqual([[10], [40]]);
});

test("a new start, as after a change of picture size, sets the player up anew", () => {
  const { media, socket, begin } = setUp();
  begin();
  socket().text({ type: "start", mime: MIME });
  media.last.open();
  expect(media.sources).toHaveLength(2);
  expect(media.forgotten).toEqual(["blob:1"]);
});

test("a lost connection is tried again, later each time, and pictures end the count", () => {
  const { video, sockets, states, begin, socket, media } = setUp();
  begin();
  socket().onclose?.();
  expect(states.at(-1)).toEqual({ kind: "retrying", attempt: 1 });
  vi.advanceTimersByTime(500);
  expect(sockets).toHaveLength(2);
  socket().onclose?.();
  vi.advanceTimersByTime(999);
  expect(sockets).toHaveLength(2);
  vi.advanceTimersByTime(1);
  expect(sockets).toHaveLength(3);
  socket().text({ type: "start", mime: MIME });
  media.last.open();
  video.ranges = [[0, 1]];
  video.currentTime = 0.7;
  vi.advanceTimersByTime(250);
  socket().onclose?.();
  expect(states.at(-1)).toEqual({ kind: "retrying", attempt: 1 });
});

test("a connection that has gone silent is taken for dead", () => {
  const { sockets, begin } = setUp();
  begin();
  vi.advanceTimersByTime(21_000);
  expect(sockets[0]?.closed).toBe(true);
  expect(sockets.length).toBeGreaterThan(1);
});

test("a picture that cannot be decoded leads to a new connection, not to a frozen one", () => {
  const { video, states, begin, sockets } = setUp();
  begin();
  video.dispatchEvent(new Event("error"));
  expect(states.at(-1)).toMatchObject({ kind: "retrying" });
  expect(sockets[0]?.closed).toBe(true);
});

test("while nobody looks nothing is fetched; looking again begins anew at the live edge", () => {
  const { player, sockets, media, states, begin } = setUp();
  begin();
  player.pause();
  expect(sockets[0]?.closed).toBe(true);
  expect(media.forgotten).toEqual(["blob:1"]);
  expect(states.at(-1)).toEqual({ kind: "paused" });
  vi.advanceTimersByTime(60_000);
  expect(sockets).toHaveLength(1);
  player.play();
  expect(sockets).toHaveLength(2);
});

test("after the end nothing is said and nothing tried", () => {
  const { player, states, sockets, begin } = setUp();
  begin();
  const said = states.length;
  const socket = sockets[0];
  player.close();
  socket?.onclose?.();
  vi.advanceTimersByTime(60_000);
  expect(states).toHaveLength(said);
  expect(sockets).toHaveLength(1);
});

test("a codec that the browser does not have is said, not retried", () => {
  const { media, states, sockets, player, socket } = setUp();
  media.plays = false;
  player.play();
  socket().text({ type: "start", mime: "video/mp4; codecs=odd" });
  vi.advanceTimersByTime(60_000);
  expect(states.at(-1)).toEqual({ kind: "unsupported", mime: "video/mp4; codecs=odd" });
  expect(sockets).toHaveLength(1);
});

test("a notice goes to the page, and so does its end", () => {
  const { notices, socket, begin } = setUp();
  begin();
  socket().text({ type: "notice", text: "Learning the place" });
  socket().text({ type: "notice", text: null });
  expect(notices).toEqual(["Learning the place", null]);
});

test("kind, wall time and bytes of a message are read as the server writes them", () => {
  const data = new Uint8Array([2, 0, 0, 0x01, 0x9a, 0xb0, 0xc1, 0xd2, 0xe3, 7, 8]).buffer;
  expect(readLiveMessage(data)).toEqual({ type: "fragment", key: true, wallMs: 0x019ab0c1d2e3, bytes: new Uint8Array([7, 8]) });
});

test("whatever comes over the connection, reading it does not throw", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json(), fc.uint8Array().map((b) => b.slice().buffer), fc.anything()), (data) => {
      expect(readLiveMessage(data).type).toMatch(/^(start|notice|init|fragment|unknown)$/);
    }),
  );
});

const seconds = (max: number) => fc.double({ min: 0, max, noNaN: true });

test("wherever the player stands, after one act it is in the newest range and within the bound", () => {
  fc.assert(
    fc.property(seconds(50), seconds(5), seconds(20), seconds(60), (from, hole, long, atS) => {
      const ranges = [
        { fromS: from, toS: from + 1 },
        { fromS: from + 1 + hole + 0.1, toS: from + 1.2 + hole + long },
      ];
      const end = from + 1.2 + hole + long;
      const acts = keepAtEdge({ atS, ranges, rate: 1 });
      const after = acts?.jumpToS ?? atS;
      expect(end - after).toBeLessThanOrEqual(JUMP_BEHIND_S);
      expect(after).toBeLessThan(end + 0.51);
    }),
  );
});

test("a nudge is held until the aim is reached, so that the speed does not flutter", () => {
  const at = (behind: number, rate: number) => keepAtEdge({ atS: 10 - behind, ranges: [{ fromS: 0, toS: 10 }], rate })?.rate;
  expect(at(0.9, 1)).toBe(1.1);
  expect(at(0.5, 1.1)).toBe(1.1);
  expect(at(0.5, 1)).toBe(1);
  expect(at(0.34, 1.1)).toBe(1);
  expect(at(0.05, 1)).toBe(0.95);
});

test("waits between tries grow, and never beyond 18 s", () => {
  fc.assert(
    fc.property(fc.nat(2000), seconds(1), (attempt, chance) => {
      expect(backoffMs(attempt, chance)).toBeLessThanOrEqual(18_000);
      expect(backoffMs(attempt, chance)).toBeGreaterThanOrEqual(400);
    }),
  );
});
