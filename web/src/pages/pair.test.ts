import { expect, test } from "vitest";
import { asPair, largestGap } from "./pair";

test("numbers that JSON has none for are numbers again, and large steps are as near as a chart needs", () => {
  const pair = asPair({ steps: [0, 2n ** 60n], a: [1, "NaN"], b: ["Infinity", 2], gap: ["Infinity", "NaN"], matched: 2n, exact: true } as never);
  expect(pair).toEqual({ steps: [0, 2 ** 60], a: [1, Number.NaN], b: [Number.POSITIVE_INFINITY, 2], gap: [Number.POSITIVE_INFINITY, Number.NaN], matched: 2, exact: true });
});

test("the largest gap is said with its size, and what is not finite is not passed over", () => {
  expect(largestGap([0, -0.5, 0.25])).toBe("largest gap 0.5");
  expect(largestGap([0.25, Number.NaN])).toBe("largest gap 0.25 · 1 gap not finite");
  expect(largestGap([])).toBe("");
});
