import { expect, test } from "vitest";
import { inSlot, laidOut, within } from "./grid";

const row = (id: string, steps: (number | null)[]) => ({ id, series: { name: "seen", kind: "image", steps } as never });

test("what was logged at one step stands below each other", () => {
  const found = laidOut([row("a", [0, 10, 20]), row("b", [10, 20, 30])]);
  expect(found.aligned).toBe(true);
  expect(found.across).toBe(4);
  expect(found.lines.map((one) => one.columns)).toEqual([[0, 1, 2], [1, 2, 3]]);
});

test("several of one step stand side by side in every row", () => {
  const found = laidOut([row("a", [null, 0, 0, 5]), row("b", [0, 5])]);
  expect(found.lines.map((one) => one.columns)).toEqual([[0, 1, 2, 3], [1, 3]]);
});

test("rows with nothing in common are set for themselves", () => {
  const found = laidOut(Array.from({ length: 9 }, (_, at) => row(String(at), [at + 0.1, at + 10.1])));
  expect(found).toMatchObject({ aligned: false, across: 2 });
  expect(found.lines[8]?.columns).toEqual([0, 1]);
});

test("what is on the screen is found in a row", () => {
  const line = laidOut([row("a", [0, 10, 20, 30]), row("b", [5, 15])]).lines[0];
  expect(line?.columns).toEqual([0, 2, 4, 5]);
  expect(within(line as never, 1, 5)).toEqual([1, 3]);
  expect(within(line as never, 6, 9)).toEqual([4, 4]);
});

test("what stays in sight keeps its slot", () => {
  const seen = (first: number) => Array.from({ length: 4 }, (_, slot) => inSlot(slot, first, 4));
  expect(seen(0)).toEqual([0, 1, 2, 3]);
  expect(seen(1)).toEqual([4, 1, 2, 3]);
  expect(seen(6)).toEqual([8, 9, 6, 7]);
});
