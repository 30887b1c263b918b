import { expect, test } from "vitest";
import { apart, wordsOf } from "./difference";

const picture = (...pixels: [number, number, number, number][]) => new Uint8ClampedArray(pixels.flat());

test("the difference of two pictures is told and drawn for each pixel", () => {
  const found = apart(picture([0, 10, 20, 255], [5, 5, 5, 255]), picture([4, 10, 0, 255], [5, 5, 5, 255]), 4);
  expect([...found.pixels]).toEqual([16, 0, 80, 255, 0, 0, 0, 255]);
  expect([found.share, found.most]).toEqual([0.5, 20]);
  expect(wordsOf(found)).toBe("50 % of the pixels differ, by at most 20 of 255");
});

test("what differs in how clear it is differs, and what is equal is said to be", () => {
  expect(apart(picture([1, 1, 1, 0]), picture([1, 1, 1, 255]), 1).most).toBe(255);
  expect(wordsOf(apart(picture([1, 2, 3, 4]), picture([1, 2, 3, 4]), 9))).toBe("the same in every pixel");
  expect(wordsOf({ share: 1e-6, most: 1 })).toContain("less than 0.1 %");
});
