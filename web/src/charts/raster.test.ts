import { describe, expect, it } from "vitest";
import { rasterised, rgbOf, type RasterLine } from "./raster";

const BOX = { x: 0, y: 0, width: 40, height: 30, ratio: 1 };
const RED = [255, 0, 0] as const;
const BLUE = [0, 0, 255] as const;

function line(points: readonly number[], colour: RasterLine["colour"] = RED, dash: readonly number[] = []): RasterLine {
  return { points: Float32Array.from(points), colour, dash };
}

/** The rows of a column that are covered by more than half. */
function covered(pixels: Uint8ClampedArray, column: number): number[] {
  return Array.from({ length: BOX.height }, (_, row) => row).filter((row) => (pixels[4 * (row * BOX.width + column) + 3] as number) > 100);
}

describe("very many lines as pixels", () => {
  it("covers in each column what a line through all points covers", () => {
    const y = (at: number) => 15 + 12 * Math.sin(at * at);
    const points = Array.from({ length: 4000 }, (_, at) => [at / 100, y(at)]).flat();
    const pixels = rasterised([line(points)], BOX, 1, 0.999);
    for (let column = 0; column < BOX.width; column += 1) {
      const mine = Array.from({ length: 100 }, (_, at) => y(100 * column + at));
      const found = covered(pixels, column);
      expect(Math.abs((found[0] as number) - Math.min(...mine))).toBeLessThan(1.5);
      expect(Math.abs((found.at(-1) as number) - Math.max(...mine))).toBeLessThan(1.5);
      expect(found.length).toBe((found.at(-1) as number) - (found[0] as number) + 1);
    }
  });

  it("goes straight from point to point, also from far outside", () => {
    const pixels = rasterised([line([-1000, -1000, 1000, 1000])], BOX, 1, 0.999);
    for (let column = 0; column < 30; column += 1) expect(covered(pixels, column)).toContain(column);
  });

  it("breaks where a line does", () => {
    const pixels = rasterised([line([0, 5.5, 10, 5.5, 10, Number.NaN, 20, 5.5, 39, 5.5])], BOX, 1, 0.999);
    expect(covered(pixels, 5)).toEqual([5]);
    expect(covered(pixels, 15)).toEqual([]);
    expect(covered(pixels, 25)).toEqual([5]);
  });

  it("has dashes along x, into whose gaps nothing falls that stands out", () => {
    const flat = rasterised([line([0, 5.5, 40, 5.5], RED, [6, 3])], BOX, 1, 0.999);
    expect(Array.from({ length: 12 }, (_, column) => covered(flat, column).length)).toEqual([1, 1, 1, 1, 1, 1, 0, 0, 0, 1, 1, 1]);
    const spike = rasterised([line([0, 5.5, 7, 5.5, 7.5, 25.5, 8, 5.5, 40, 5.5], RED, [6, 3])], BOX, 1, 0.999);
    expect(covered(spike, 7).length).toBeGreaterThan(18);
    expect(covered(spike, 6)).toEqual([]);
  });

  it("writes over what was drawn before", () => {
    const first = rasterised([line([0, 5.5, 40, 5.5])], BOX, 1, 0.5);
    const other = line([0, 20.5, 40, 12.5], BLUE);
    const again = rasterised([other], BOX, 1, 0.5).slice();
    expect(rasterised([other], BOX, 1, 0.5, first)).toEqual(again);
  });

  it("is darker where more lines run, in the mean of their colours, whatever their order", () => {
    const one = line([0, 5.5, 40, 5.5]);
    const other = line([0, 5.5, 40, 5.5], BLUE);
    const alone = rasterised([one], BOX, 1, 0.5);
    const both = rasterised([one, other], BOX, 1, 0.5);
    const at = 4 * (5 * BOX.width + 20);
    expect([...alone.subarray(at, at + 4)]).toEqual([255, 0, 0, 128]);
    expect([...both.subarray(at, at + 4)]).toEqual([128, 0, 128, 191]);
    expect(rasterised([other, one], BOX, 1, 0.5)).toEqual(both);
  });

  it("draws a point by itself, and nothing where there is nothing", () => {
    const pixels = rasterised([line([7.5, 9.5]), line([])], BOX, 1, 0.999);
    expect(covered(pixels, 7)).toEqual([9]);
    expect(pixels.filter((_, at) => at % 4 === 3).filter((alpha) => alpha > 0).length).toBe(1);
  });

  it("reads colours as they are written", () => {
    expect(rgbOf("#0072b2")).toEqual([0, 0x72, 0xb2]);
  });
});
