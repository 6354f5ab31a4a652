import { describe, expect, it } from "vitest";

import { within, type Arrived } from "./part";

/** One fragment a second from 0 on; those named begin with a key picture. */
function seconds(count: number, ...keys: number[]): Arrived[] {
  return Array.from({ length: count }, (_, n) => ({ n, firstMs: n * 1000, lastMs: n * 1000 + 960, key: keys.includes(n) }));
}

const numbers = (fragments: Arrived[]) => fragments.map(({ n }) => n);

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

  it("nor where it is not within reach", () => {
    expect(numbers(within(seconds(30, 0, 28), 10_960, 12_000))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    expect(numbers(within(seconds(30, 0, 28), 10_961, 12_000))).toEqual([11]);
  });

  it("is nothing where nothing holds it", () => {
    expect(within(seconds(3, 0), 7000, 8000)).toEqual([]);
    expect(within([], 0, 1)).toEqual([]);
  });
});
