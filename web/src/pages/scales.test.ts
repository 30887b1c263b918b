import { expect, test } from "vitest";
import { extentOf, nearest, pathOf, ticksOf } from "./scales";

test("ticks are round numbers within the range", () => {
  expect(ticksOf(0, 1, 5)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
  expect(ticksOf(-3, 117, 4)).toEqual([0, 50, 100]);
  expect(ticksOf(5, 5, 4)).toEqual([5]);
  expect(ticksOf(Number.NaN, 1, 4)).toEqual([]);
});

test("the extent leaves out what is no number, and gives a single value room", () => {
  expect(extentOf([[1, Number.NaN, null], [3, Number.POSITIVE_INFINITY]])).toEqual([1, 3]);
  expect(extentOf([[2]])).toEqual([1.9, 2.1]);
  expect(extentOf([[0]])).toEqual([-1, 1]);
  expect(extentOf([[Number.NaN]])).toBe(null);
});

test("a line breaks where there is no number, and a lone point is a dot", () => {
  const same = (value: number) => value;
  expect(pathOf([0, 1, 2, 3, 4], [1, 2, Number.NaN, 4, null], same, same)).toBe("M0.0 1.0L1.0 2.0M3.0 4.0h0.01");
});

test("the nearest value is found", () => {
  const steps = [0, 10, 20];
  expect([-5, 4, 6, 19, 99].map((one) => nearest(steps, one))).toEqual([0, 0, 1, 2, 2]);
  expect(nearest([], 3)).toBe(0);
});
