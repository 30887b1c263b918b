import { expect, test } from "vitest";
import { outline, peaksOf } from "./peaks";

test("a single sample is seen however long the sound is, in whichever channel", () => {
  const quiet = new Float32Array(100_003);
  const click = new Float32Array(100_003);
  click[77_777] = -0.75;
  const { low, high } = peaksOf([quiet, click], 500);
  expect(low.length).toBe(500);
  expect([...low].filter((one) => one < 0)).toEqual([-0.75]);
  expect(low[Math.floor((77_777 * 500) / 100_003)]).toBe(-0.75);
  expect(Math.max(...high)).toBe(0);
});

test("every sample is in one stretch, and a short sound has a stretch for each", () => {
  const { low, high } = peaksOf([new Float32Array([0.5, -1, 0.25])], 500);
  expect([[...low], [...high]]).toEqual([[0.5, -1, 0.25], [0.5, -1, 0.25]]);
  expect(peaksOf([], 10).low.length).toBe(0);
  expect(outline({ low: new Float32Array([-1]), high: new Float32Array([0.5]) })).toBe("M0 -0.500h1V1.000h-1z");
});
