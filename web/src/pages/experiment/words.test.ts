import { expect, test } from "vitest";
import { wordsOf } from "./words";

test("a metric in words has its range and its last value, also where that is no number", () => {
  const one = { min: 0.5, max: 2, last: 1.25, last_step: 30 };
  expect(wordsOf(one as never)).toBe("0.5 to 2, last 1.25 at step 30");
  expect(wordsOf({ ...one, last: "NaN" } as never)).toBe("0.5 to 2, last NaN at step 30");
  expect(wordsOf({ min: null, max: null, last: "-Infinity", last_step: 0 } as never)).toBe("last -inf at step 0");
  expect(wordsOf({ ...one, max: "Infinity", last_step: 2n ** 60n } as never)).toContain("0.5 to inf, last 1.25 at step 1\u2009152");
  expect(wordsOf(undefined)).toBe("");
});
