import { describe, expect, it } from "vitest";
import { dashed } from "./pixels";

/** How much of a line is drawn, and where its stretches begin and end. */
function stretches(points: Float32Array): [number, number][] {
  const found: [number, number][] = [];
  let begin: number | null = null;
  let last = 0;
  for (let at = 0; at < points.length; at += 2) {
    const [x, y] = [points[at] as number, points[at + 1] as number];
    if (y !== y) {
      if (begin !== null) found.push([begin, last]);
      begin = null;
    } else {
      begin ??= x;
      last = x;
    }
  }
  if (begin !== null) found.push([begin, last]);
  return found.filter(([from, to]) => to > from).map(([from, to]) => [Math.round(from), Math.round(to)]);
}

describe("dashes of lines that are drawn pixel by pixel", () => {
  it("cuts along the length, through points as between them", () => {
    expect(stretches(dashed(Float32Array.of(0, 0, 20, 0), [6, 3]))).toEqual([[0, 6], [9, 15], [18, 20]]);
    expect(stretches(dashed(Float32Array.of(0, 0, 4, 0, 7, 0, 8, 0, 20, 0), [6, 3]))).toEqual([[0, 6], [9, 15], [18, 20]]);
    // 3, 4, 5: a slope of which 5 of its length are 3 along x.
    expect(stretches(dashed(Float32Array.of(0, 0, 12, 16), [5, 5]))).toEqual([[0, 3], [6, 9]]);
  });

  it("begins again after a gap, and leaves whole what is whole or leads far away", () => {
    expect(stretches(dashed(Float32Array.of(0, 0, 4, 0, 5, Number.NaN, 6, 0, 16, 0), [6, 3]))).toEqual([[0, 4], [6, 12], [15, 16]]);
    expect(stretches(dashed(Float32Array.of(0, 0, 20, 0), []))).toEqual([[0, 20]]);
    expect(stretches(dashed(Float32Array.of(0, 0, 2, 9000, 3, 9000), [6, 3]))).toEqual([[0, 3]]);
  });

  it("never goes back along x", () => {
    const points = dashed(Float32Array.from({ length: 400 }, (_, at) => (at % 2 ? 40 * Math.sin(at) : at)), [9, 3, 2, 3]);
    for (let at = 2; at < points.length; at += 2) expect(points[at]).toBeGreaterThanOrEqual(points[at - 2] as number);
  });
});
