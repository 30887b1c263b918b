import { expect, test } from "vitest";
import { frameAt } from "./frames";

test("a frame is seen until the next begins, and the last one after the end", () => {
  const ends = [0.1, 0.2, 0.5];
  expect([0, 0.099, 0.1, 0.1 * 3 - 0.1, 0.49, 0.5, 9].map((time) => frameAt(ends, time))).toEqual([0, 0, 1, 2, 2, 2, 2]);
  expect(frameAt([], 3)).toBe(0);
});
