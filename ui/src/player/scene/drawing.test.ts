import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

import { FIGURE, ON_FIGURE } from "./colours";
import { widened } from "./figure-shapes";
import { header, record } from "./fixtures";
import { maskOf } from "./ground";
import { NEVER_SHOWN, UNKNOWN, type Why } from "./model";
import { SceneParser } from "./parse";
import { reasonOf } from "./reasons";
import { SceneState } from "./state";
import { countWords, Summarizer } from "./summary";

/** Relative luminance as WCAG 2.2 has it. */
function light(hex: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const c = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

test("a sign stands off its figure at least 3 to 1", () => {
  for (const kind of Object.keys(FIGURE) as (keyof typeof FIGURE)[]) {
    const [a, b] = [light(FIGURE[kind]), light(ON_FIGURE[kind])].sort((x, y) => x - y);
    expect(((b ?? 0) + 0.05) / ((a ?? 0) + 0.05)).toBeGreaterThan(3);
  }
});

test("figures have the colours that the page's classes have", () => {
  const tokens = readFileSync("src/styles/tokens.css", "utf8");
  for (const kind of ["person", "vehicle", "animal", "parcel", "moving"] as const) {
    expect(tokens).toContain(`--${kind}: ${FIGURE[kind]};`);
  }
});

test("a small figure is drawn large enough to be seen, around the same middle", () => {
  expect(widened({ left: 10, right: 12, top: 0, bottom: 20 }, 8)).toEqual({ left: 7, right: 15, top: 0, bottom: 20 });
});

test("a cover lies on exactly the cells of its state", () => {
  const { mask, any } = maskOf(Uint8Array.of(0, 1, 2, 3), UNKNOWN);
  expect([...mask].filter((_, i) => i % 4 === 3)).toEqual([255, 0, 0, 0]);
  expect(any).toBe(true);
  expect(maskOf(Uint8Array.of(0, 1, 2), NEVER_SHOWN).any).toBe(false);
});

test("every reason but one has words, and says what comes next", () => {
  const all: Why[] = ["starting", "light_changed", "camera_moved", "covered", "late", "no_pictures", "other"];
  const words = all.map((why) => reasonOf(why));
  expect(new Set(words.map((w) => w?.short)).size).toBe(all.length);
  for (const w of words) expect(w?.next).toMatch(/^[A-Z].*\.$/);
  expect(reasonOf("fine")).toBeNull();
});

test("counts are read as a person would say them", () => {
  expect(countWords({})).toBe("nobody in view");
  expect(countWords({ person: 1 })).toBe("1 person");
  expect(countWords({ vehicle: 2, person: 3, moving: 1 })).toBe("3 people, 2 vehicles, 1 thing that moves");
});

test("a summary is given when it changed and only then", () => {
  const parser = new SceneParser();
  const state = new SceneState();
  const summaries = new Summarizer();
  const next = (bytes: Uint8Array): unknown => {
    for (const item of parser.read(bytes)) {
      if (item.kind === "header") state.begin(item.header);
      if (item.kind === "record") state.apply(item.record);
    }
    return summaries.next(state);
  };
  next(header());
  expect(next(record(true, 1, 0))).toMatchObject({ counts: { person: 1 }, coverage: { known: 1, unknown: false } });
  expect(next(record(false, 2, 100, 8))).toBeNull();
  expect(next(record(false, 3, 200, null))).toMatchObject({ counts: {} });
});
