import { expect, it } from "vitest";
import { around, percent, readStretch, searchOf, stretchOf, writeStretch } from "./meanwhile";
import { matcher } from "./sections";

it("a stretch of a curve is in the link", () => {
  const one = { x: "step", start: 100, stop: 150, metric: "train/through:put" } as const;
  expect(readStretch(writeStretch(one))).toEqual(one);
  expect(readStretch(writeStretch({ ...one, x: "time", start: 1.7e9, stop: 1700000000.25 }))).toMatchObject({ x: "time", stop: 1700000000.25 });
  expect(["", "step:5..1:loss", "epoch:1..2:loss", "step:1..2:"].map(readStretch)).toEqual([null, null, null, null]);
});

it("a part of the x axis is a stretch of whole steps, counted from where they begin", () => {
  expect(stretchOf("loss", "step", [0.5, 9.5], 100n)).toEqual({ x: "step", start: 101, stop: 109, metric: "loss" });
  expect(stretchOf("loss", "metric", [0, 1], 0n)).toBeNull();
});

it("stretches of several experiments are seen with as much before and after", () => {
  expect(around([{ began: 1000, begin: 1010, end: 1020 }, { began: 2000, begin: 2015, end: 2030 }, { began: 0, begin: null, end: null }])).toEqual([0, 50]);
  expect(around([])).toBeNull();
});

it("a search finds the names that it was made of, and no others", () => {
  const match = matcher(searchOf(["system/gpu.0.power_w", "a(b"]));
  expect(["system/gpu.0.power_w", "a(b", "system/gpu.00power_w", "xa(b"].map((one) => match?.(one))).toEqual([true, true, false, false]);
});

it("a share is never rounded to none or all", () => {
  expect([0, 0.001, 0.5, 0.999, 1, null].map(percent)).toEqual(["0 %", "< 1 %", "50 %", "> 99 %", "100 %", "–"]);
});
