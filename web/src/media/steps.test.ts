import { expect, test } from "vitest";
import { barsOf, nearestAt, stepsOf } from "./steps";

const a = { steps: [null, 0, 10, 20] } as never;
const b = { steps: [5, 2n ** 60n] } as never;

test("one slider has the steps of all series in order", () => {
  expect(stepsOf([a, b])).toEqual([0, 5, 10, 20, 2n ** 60n]);
});

test("a series shows its last value by then, and its first before it began", () => {
  expect([0, 5, 10, 15, 99].map((step) => nearestAt(a, step))).toEqual([1, 1, 2, 2, 3]);
  expect(nearestAt(b, 0)).toBe(0);
  expect(nearestAt(b, 2n ** 60n)).toBe(1);
  expect(nearestAt(a, null)).toBe(3);
});

test("a histogram has a bar for each count, and what is none has no bars", () => {
  expect(barsOf({ counts: [1, 2], edges: [0, 1, 2] })).toEqual({ heights: [0.5, 1], low: 0, high: 2, total: 3 });
  for (const none of [null, {}, { counts: [1], edges: [1] }, { counts: ["x"], edges: [0, 1] }]) expect(barsOf(none)).toBe(null);
});
