import { expect, it } from "vitest";
import { moved, WHOLE, zoomed } from "./view";

it("what is pointed at stays where it is", () => {
  const view = zoomed(WHOLE, 4, 0.25, 0.75);
  expect(view.scale).toBe(4);
  expect((0.25 - view.x) / view.scale).toBeCloseTo(0.25);
  expect((0.75 - view.y) / view.scale).toBeCloseTo(0.75);
});

it("nothing beyond a picture's edges comes into view", () => {
  expect(moved(WHOLE, 0.5, -0.5)).toEqual(WHOLE);
  const view = moved(zoomed(WHOLE, 2), 9, -9);
  expect([view.x, view.y]).toEqual([0, -1]);
});

it("all of it is seen again however it was moved", () => {
  expect(zoomed(moved(zoomed(WHOLE, 8, 1, 1), 0.3, 0.3), 1 / 8, 0, 0)).toEqual(WHOLE);
  expect(zoomed(WHOLE, 0.1)).toEqual(WHOLE);
});
