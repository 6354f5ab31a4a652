import { expect, test } from "vitest";

import { ago, bytes, clockSeconds, duration, fromFields, moment, retention, toFields } from "./format";

const noon = new Date(2026, 10, 23, 12, 5, 9).getTime();

test("times are 24 hours, in the viewer's zone", () => {
  expect(clockSeconds(noon)).toBe("12:05:09");
  expect(clockSeconds(noon + 11 * 3_600_000)).toBe("23:05:09");
  expect(clockSeconds(noon + 12 * 3_600_000)).toBe("00:05:09");
});

test("a moment of another day says which", () => {
  expect(moment(noon, noon + 60_000)).toBe("12:05:09");
  expect(moment(noon, noon + 24 * 3_600_000)).toMatch(/^Mon,? 23 Nov 12:05:09$/);
});

test("a duration says its two largest parts", () => {
  expect([0, 999, 59_400, 61_000, 3_600_000, 4_800_000, 3 * 86_400_000].map(duration)).toEqual([
    "0 s", "1 s", "59 s", "1 min", "1 h", "1 h 20 min", "3 days",
  ]);
  expect(ago(noon - 200_000, noon)).toBe("3 min ago");
  expect(ago(noon + 100, noon)).toBe("just now");
});

test("sizes are counted as on the disk's label", () => {
  expect([0, 999, 1_500, 999_700, 1.26e12, 2e12].map(bytes)).toEqual(["0 B", "999 B", "1.5 kB", "1.0 MB", "1.3 TB", "2.0 TB"]);
});

test("retention up to three days stays in hours, as the register says it", () => {
  expect([1, 24, 72, 73, 168].map(retention)).toEqual(["1 hour", "24 hours", "72 hours", "73 hours", "7 days"]);
});

test("what the fields of a moment show reads back as that minute", () => {
  const { date, time } = toFields(noon);
  expect([date, time]).toEqual(["2026-11-23", "12:05"]);
  expect(fromFields(date, time)).toBe(noon - 9_000);
});

test("an empty time is midnight; a time that is none, or a day that is none, is no moment", () => {
  expect(fromFields("2026-11-23", "")).toBe(new Date(2026, 10, 23).getTime());
  expect(fromFields("2026-11-23", "7:30")).toBe(new Date(2026, 10, 23, 7, 30).getTime());
  for (const time of ["24:00", "7", "7:60", "pm"]) expect(fromFields("2026-11-23", time)).toBeNull();
  expect(fromFields("", "07:30")).toBeNull();
});
