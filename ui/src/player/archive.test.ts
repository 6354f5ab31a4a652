import { afterEach, beforeEach, expect, test, vi } from "vitest";

import type { Fetched } from "../api/fetched";
import type { ArchiveFile } from "../api/types";
import { ArchivePlayer, type ArchiveState } from "./archive-player";
import { FakeMedia, FakeVideo } from "./fakes";

const MIME = 'video/mp4; codecs="avc1.42001e"';
const MINUTE = 60_000;
/** The moment that every test begins at. */
const T = 1_700_000_000_000;
const NOW = T + 24 * 60 * MINUTE;

function file(n: number, startMs: number, endMs = startMs + MINUTE, bytes = 100): ArchiveFile {
  return { id: `f${String(n)}`, start_ms: startMs, end_ms: endMs, bytes, mime: MIME, format: "mp4" };
}

function setUp(files: ArchiveFile[]) {
  const video = new FakeVideo();
  const media = new FakeMedia();
  const reads: [string, number | undefined][] = [];
  const states: ArchiveState[] = [];
  let refuse: Fetched<never> | null = null;
  const player = new ArchivePlayer(
    video as unknown as HTMLVideoElement,
    {
      list: (fromMs, toMs) =>
        Promise.resolve({ kind: "ok", value: files.filter((f) => f.end_ms > fromMs && f.start_ms < toMs) }),
      read: (id, fromMs) => {
        reads.push([id, fromMs]);
        return Promise.resolve(refuse ?? { kind: "ok", value: new Uint8Array([reads.length]) });
      },
    },
    (s) => states.push(s),
    media,
    () => NOW,
  );
  const pass = async (ms = 200): Promise<void> => {
    await vi.advanceTimersByTimeAsync(ms);
    media.last.buffers.at(-1)?.settle();
    await vi.advanceTimersByTimeAsync(0);
  };
  const open = async (): Promise<void> => {
    media.last.open();
    await pass();
    await pass();
  };
  return { video, media, reads, states, player, pass, open, refuseWith: (r: Fetched<never>) => { refuse = r; } };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test("a moment is found in its file, which is asked for from that moment on", async () => {
  const { player, reads, media, open } = setUp([file(1, T - MINUTE), file(2, T)]);
  player.seek(T - 20_000);
  await open();
  expect(reads[0]).toEqual(["f1", T - 20_000]);
  // Ten minutes of room before the moment; the file began 40 s before it.
  expect(media.buffer.done[0]).toMatchObject({ offsetS: 600 - 40 });
});

test("it shows the moment, plays, and tells where it is in wall time", async () => {
  const { player, video, states, open, pass } = setUp([file(1, T)]);
  player.seek(T + 5_000);
  await open();
  video.ranges = [[595, 655]];
  await pass();
  expect(video.currentTime).toBe(600);
  expect(video.paused).toBe(false);
  video.currentTime = 602;
  await pass();
  expect(states.at(-1)).toEqual({ kind: "playing", wallMs: T + 7_000 });
});

test("the next file follows in its place while there is little left, and not before", async () => {
  const { player, video, reads, media, open, pass } = setUp([file(1, T), file(2, T + MINUTE), file(3, T + 2 * MINUTE)]);
  player.seek(T);
  await open();
  video.ranges = [[600, 660]];
  await pass();
  expect(reads.map((r) => r[0])).toEqual(["f1"]);
  video.currentTime = 620;
  await pass();
  await pass();
  expect(reads.at(-1)).toEqual(["f2", undefined]);
  expect(media.buffer.done.at(-1)).toMatchObject({ offsetS: 660 });
});

test("a hole between recordings takes no time to watch", async () => {
  const { player, video, open, pass } = setUp([file(1, T), file(2, T + 10 * MINUTE)]);
  player.seek(T);
  await open();
  video.ranges = [[600, 660], [1200, 1260]];
  await pass();
  video.currentTime = 660;
  await pass();
  expect(video.currentTime).toBeCloseTo(1200, 2);
});

test("a hole of hours is looked over", async () => {
  const { player, reads, open } = setUp([file(9, T + 7 * 60 * MINUTE)]);
  player.seek(T);
  await open();
  expect(reads).toEqual([["f9", undefined]]);
});

test("the file being recorded is asked for again as it grows", async () => {
  const files = [file(1, NOW - 30_000, NOW - 10_000, 100)];
  const { player, video, reads, states, open, pass } = setUp(files);
  player.seek(NOW - 12_000);
  await open();
  video.ranges = [[600, 602]];
  await pass();
  video.currentTime = 602;
  await pass();
  expect(states.at(-1)).toMatchObject({ kind: "ended" });
  expect(reads).toHaveLength(1);
  files[0] = file(1, NOW - 30_000, NOW - 5_000, 180);
  // The test's clock stands, so asking again is due only when the player is told to look anew.
  player.seek(NOW - 9_000);
  await open();
  expect(reads.at(-1)).toEqual(["f1", NOW - 9_000]);
});

test("a moment already loaded is shown without asking again", async () => {
  const { player, video, media, reads, open, pass } = setUp([file(1, T)]);
  player.seek(T);
  await open();
  video.ranges = [[600, 660]];
  await pass();
  player.seek(T + 30_000);
  expect(video.currentTime).toBe(630);
  expect(media.sources).toHaveLength(1);
  expect(reads).toHaveLength(1);
});

test("paused it stands, and shows another moment standing", async () => {
  const { player, video, states, open, pass } = setUp([file(1, T)]);
  player.setPaused(true);
  player.seek(T);
  await open();
  video.ranges = [[600, 660]];
  await pass();
  await pass();
  expect(video.paused).toBe(true);
  expect(states.at(-1)).toEqual({ kind: "paused", wallMs: T });
});

test("the speed holds over a new moment", async () => {
  const { player, video, open } = setUp([file(1, T)]);
  player.setSpeed(4);
  player.seek(T);
  await open();
  expect(video.playbackRate).toBe(4);
});

test("where nothing was recorded it says so", async () => {
  const { player, states, open } = setUp([]);
  player.seek(T);
  await open();
  expect(states.at(-1)).toEqual({ kind: "ended", wallMs: T });
});

test("a refusal is passed on in the server's words", async () => {
  const { player, states, open, refuseWith } = setUp([file(1, T)]);
  refuseWith({ kind: "refused", status: 404, code: "not_found", message: "This recording is gone." });
  player.seek(T);
  await open();
  expect(states.at(-1)).toEqual({ kind: "failed", wallMs: T, message: "This recording is gone." });
});

test("at the end everything is let go", async () => {
  const { player, video, media, states, open, pass } = setUp([file(1, T)]);
  player.seek(T);
  await open();
  player.close();
  const said = states.length;
  await pass(5_000);
  expect(video.src).toBe("");
  expect(media.forgotten).toEqual(["blob:1"]);
  expect(states).toHaveLength(said);
});
