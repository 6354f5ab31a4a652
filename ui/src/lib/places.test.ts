import fc from "fast-check";
import { expect, test } from "vitest";

import type { Camera } from "../api/types";
import { gridFor } from "./grid";
import { addressOf, readRoute, type Route } from "./router";
import { tokenIn } from "./sign-in-link";
import { healthOf } from "./status";
import { LANE, laneAt, laneTop, RECORD_TOP } from "./timeline-shape";

const time = fc.option(fc.integer({ min: 0, max: 4e12 }));
const routes: fc.Arbitrary<Route> = fc.oneof(
  fc.constant<Route>({ page: "wall" }),
  fc.record({ page: fc.constant("camera" as const), id: fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,31}$/), atMs: time }),
  fc.record({
    page: fc.constant("events" as const),
    filter: fc.record({
      camera: fc.option(fc.stringMatching(/^[a-z0-9]{1,8}$/)),
      class: fc.option(fc.constantFrom("person" as const, "vehicle" as const, "animal" as const)),
      fromMs: time,
      toMs: time,
    }),
  }),
);

test("every place of the page has an address that leads back to it", () => {
  fc.assert(
    fc.property(routes, (route) => {
      const url = new URL(addressOf(route), "http://louver.test");
      expect(readRoute(url.pathname, url.search)).toEqual(route);
    }),
  );
});

test("an address made by hand does no harm", () => {
  expect(readRoute("/cameras/../etc", "")).toEqual({ page: "missing" });
  expect(readRoute("/cameras/gate", "?at=-5e9")).toEqual({ page: "camera", id: "gate", atMs: null });
  expect(readRoute("/events", "?class=face&from=x")).toMatchObject({ filter: { class: null, fromMs: null } });
});

test("a sign-in link's secret is found behind the hash alone", () => {
  expect(tokenIn("#token=abc-_1")).toBe("abc-_1");
  expect(tokenIn("#token=")).toBeNull();
  expect(tokenIn("#content")).toBeNull();
  expect(tokenIn("")).toBeNull();
});

test("a wall fits its window while its pictures are large enough to read", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 40 }), fc.integer({ min: 320, max: 3840 }), fc.integer({ min: 300, max: 2160 }),
      (count, width, height) => {
        const grid = gridFor(count, width, height);
        const tile = (grid.width - 16 * (grid.columns - 1)) / grid.columns;
        const rows = Math.ceil(count / grid.columns);
        const tall = rows * (tile * (9 / 16) + 40) + 16 * (rows - 1);
        expect(grid.width).toBeLessThanOrEqual(width);
        expect(tile).toBeGreaterThanOrEqual(Math.min(width, 240) - 1);
        // Taller than the window only where tiles of the least readable width would be too.
        if (tall > height + 1) expect(tile).toBeLessThan(240 * 2 + 16);
      },
    ),
  );
});

test("one camera fills the window, four stand two by two", () => {
  expect(gridFor(1, 1872, 980).columns).toBe(1);
  expect(gridFor(4, 1872, 980).columns).toBe(2);
  expect(gridFor(9, 1872, 980).columns).toBe(3);
  expect(gridFor(16, 1872, 980).columns).toBe(4);
});

function camera(status: Partial<Camera["status"]>): Camera {
  const running = { state: "running" as const };
  return {
    id: "gate", name: "Gate", purpose: "", owner: "", contact: "", retention_hours: 72, analysis: "on",
    sealed_only: false, audio_sealed: false, live: true, show: [], zones: [],
    status: {
      main: running, sub: running, last_sealed_ms: 1, last_masked_ms: 1, notice: null, recording_problem: null,
      fps: 10, skipped_frames: 0, ...status,
    },
  };
}

test("the badge says the worst there is, with its reason", () => {
  const lost = { state: "retrying" as const, reason: "wrong password" };
  expect(healthOf(camera({}))).toMatchObject({ level: "good", word: "Recording" });
  expect(healthOf(camera({ main: { state: "connecting" } }))).toMatchObject({ level: "busy" });
  expect(healthOf(camera({ sub: lost }))).toMatchObject({ level: "bad", word: "No picture", detail: "wrong password" });
  expect(healthOf(camera({ main: lost, sub: lost }))).toMatchObject({ word: "No connection" });
  expect(healthOf(camera({ main: lost, recording_problem: "disk full" }))).toMatchObject({
    word: "Not recording",
    detail: "disk full",
  });
});

test("a height on the timeline belongs to the lane that is drawn there", () => {
  expect(laneAt(laneTop(0))).toBe(0);
  expect(laneAt(laneTop(2) + LANE - 1)).toBe(2);
  expect(laneAt(laneTop(0) - 1)).toBeNull();
  expect(laneAt(RECORD_TOP + 1)).toBeNull();
});
