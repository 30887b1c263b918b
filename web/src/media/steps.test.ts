import { expect, test } from "vitest";
import { barsOf, besides, nearestAt, placeAt, placesOf, readPlace } from "./steps";

const a = { steps: [null, 0, 10, 20] } as never;
const b = { steps: [5, 2n ** 60n] } as never;
const epochs = { steps: [100, 7, 200], x: [null, 0.5, 2] } as never;

test("one slider has the steps of all series in order", () => {
  expect(placesOf([a, b])).toEqual([0, 5, 10, 20, 2n ** 60n]);
});

test("a series shows its last value by then, and its first before it began", () => {
  expect([0, 5, 10, 15, 99].map((step) => nearestAt(a, step))).toEqual([1, 1, 2, 2, 3]);
  expect(nearestAt(b, 0)).toBe(0);
  expect(nearestAt(b, 2n ** 60n)).toBe(1);
  expect(nearestAt(a, null)).toBe(3);
});

test("where another x was asked for, places are those of it", () => {
  expect(placesOf([epochs])).toEqual([0.5, 2]);
  expect(nearestAt(epochs, 1.9)).toBe(1);
});

test("several values of one step stand together, and what has no place stands alone", () => {
  const several = { steps: [null, null, 3, 3, 3, 9] } as never;
  expect([0, 2, 4, 5].map((at) => besides(several, at))).toEqual([[0, 1], [2, 5], [2, 5], [5, 6]]);
});

test("a place of the link is the last that is not beyond it", () => {
  expect([null, -1, 4, 5, 99].map((one) => placeAt([0, 5, 9], one))).toEqual([2, 0, 0, 1, 2]);
  expect(["", "7", "-0.5", "1152921504606846976", "file:x"].map(readPlace)).toEqual([null, 7, -0.5, 2n ** 60n, null]);
});

test("a histogram has a bar for each count, and what is none has no bars", () => {
  expect(barsOf({ counts: [1, 2], edges: [0, 1, 2] })).toEqual({ heights: [0.5, 1], low: 0, high: 2, total: 3 });
  for (const none of [null, {}, { counts: [1], edges: [1] }, { counts: ["x"], edges: [0, 1] }]) expect(barsOf(none)).toBe(null);
});
