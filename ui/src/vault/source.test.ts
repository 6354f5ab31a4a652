import { describe, expect, it } from "vitest";

import { Originals, within, type ListedFragment } from "./source";

/** One fragment a second from 0 on; those named begin with a key picture. */
function seconds(count: number, ...keys: number[]): ListedFragment[] {
  return Array.from({ length: count }, (_, n) => ({ n, bytes: 1000, firstMs: n * 1000, lastMs: n * 1000 + 960, key: keys.includes(n) }));
}

const numbers = (fragments: ListedFragment[]) => fragments.map(({ n }) => n);

describe("what an opened time needs", () => {
  it("is the fragments that hold it", () => {
    expect(numbers(within(seconds(6, 0, 1, 2, 3, 4, 5), 2500, 4500))).toEqual([2, 3, 4]);
  });

  it("and those before them of the group in which it begins", () => {
    expect(numbers(within(seconds(9, 0, 4, 8), 6500, 9000))).toEqual([4, 5, 6, 7, 8]);
    expect(numbers(within(seconds(9, 0, 4, 8), 4500, 6000))).toEqual([4, 5]);
  });

  it("but not where the group's beginning was not given", () => {
    expect(numbers(within(seconds(9, 0, 8).slice(3), 5500, 9000))).toEqual([5, 6, 7, 8]);
    const holed = seconds(9, 0, 4, 8).filter(({ n }) => n !== 5);
    expect(numbers(within(holed, 6500, 9000))).toEqual([6, 7, 8]);
  });

  it("is nothing where nothing holds it", () => {
    expect(within(seconds(3, 0), 7000, 8000)).toEqual([]);
    expect(within([], 0, 1)).toEqual([]);
  });
});

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
