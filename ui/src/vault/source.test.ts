import { describe, expect, it } from "vitest";

import { Originals, type ListedFragment } from "./source";

/** One fragment a second from 0 on; those named begin with a key picture. */
function seconds(count: number, ...keys: number[]): ListedFragment[] {
  return Array.from({ length: count }, (_, n) => ({ n, bytes: 1000, firstMs: n * 1000, lastMs: n * 1000 + 960, key: keys.includes(n) }));
}

describe("where showing a time begins", () => {
  const at = (fragments: ListedFragment[], ms: number) => {
    const segment = { id: "yard.0", camera: "yard", header: "", fragments };
    const none = () => Promise.reject(new Error("nothing is fetched or opened"));
    return new Originals([segment], { opener: none }, none).at(ms);
  };

  it("is the last key picture before it", () => {
    expect(at(seconds(9, 0, 4, 8), 6500)).toBe(4);
    expect(at(seconds(9, 0, 4, 8), 8000)).toBe(8);
  });

  it("is the next one where none is before it: a film cannot begin in the middle of a group", () => {
    expect(at(seconds(9, 3, 6), 0)).toBe(3);
    expect(at(seconds(9, 3, 6), 1500)).toBe(3);
  });

  it("is the first of all where no fragment begins with one", () => {
    expect(at(seconds(3), 2000)).toBe(0);
  });
});
