import { render } from "svelte/server";
import { expect, test } from "vitest";

import type { Summary } from "../player/scene/summary";
import PictureKey from "./PictureKey.svelte";
import ZonesNote from "./ZonesNote.svelte";

/** The words of a part, as a reader gets them. */
function words(html: string): string {
  return html.replace(/<[^>]*>/g, " ").replace(/\s+/g, " ").trim();
}

test("where zones are excluded, the page says what the original keeps and what to do about it", () => {
  const said = words(render(ZonesNote, { props: { excluded: 2 } }).body);
  expect(said).toContain("2 parts of the picture are never looked at and never shown");
  expect(said).toContain("sealed original still holds what the camera sent");
  expect(said).toContain("privacy mask in the camera's own settings");
  expect(words(render(ZonesNote, { props: { excluded: 1 } }).body)).toContain("One part of the picture is");
  expect(words(render(ZonesNote, { props: { excluded: null } }).body)).toContain("Parts of the picture are");
});

test("where no zone is excluded nothing is said", () => {
  expect(words(render(ZonesNote, { props: { excluded: 0 } }).body)).toBe("");
});

test("the key names what the picture shows, and the grounds only where there are any", () => {
  const summary: Summary = { why: "fine", counts: { person: 2, moving: 1 }, coverage: { known: 0.9, excluded: false, unknown: true } };
  const said = words(render(PictureKey, { props: { summary } }).body);
  expect(said).toContain("Person 2");
  expect(said).toContain("Vehicle 0");
  expect(said).toContain("Moves, not yet named 1");
  expect(said).toContain("Not known yet 10 %");
  expect(said).not.toContain("Never shown");
  expect(said).not.toContain("Parcel");
});
