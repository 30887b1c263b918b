import { describe, expect, it } from "vitest";
import { lines } from "./lines";
import { answerOf, bucketsOf, EXAMPLES, optionsOf } from "./lines.example";
import { panelData, valueRange } from "./curves";
import { pixelLine } from "./pixels";
import { scale } from "./scale";
import { writeSvg } from "./svg";

const THEME = { ink: "#1a1c1e", muted: "#5f6670", hairline: "#e4e7eb", paper: "#ffffff", warning: "#8a5a00" };

describe("the line chart", () => {
  for (const [name, make] of Object.entries(EXAMPLES)) {
    it(`draws ${name}`, () => {
      const [data, options] = make();
      const drawing = lines(data, options);
      expect(drawing).not.toBeNull();
      expect(writeSvg(drawing?.marks ?? [], options.width, options.height, THEME)).toMatchSnapshot();
    });
  }

  it("draws nothing where there is no point", () => {
    expect(lines(panelData({ ...answerOf({ a: [[0, 1]] }), grid: null }), optionsOf())).toBeNull();
  });

  it("reaches to the spike of a bucket", () => {
    const data = panelData(bucketsOf([1, 1, 1], [1, 99, 1], [1, 1, 1]));
    expect(valueRange(data, [0, 3], false)).toEqual([1, 99]);
  });

  it("finds the range of a part, of the whole, and of what a logarithmic axis shows", () => {
    const data = panelData(bucketsOf([-3, 1, 2], [-2, 99, 4], [-2, 1, 3]));
    for (const _ of ["first", "and again"]) {
      expect(valueRange(data, [0, 3], false)).toEqual([-3, 99]);
      expect(valueRange(data, [0, 3], true)).toEqual([1, 99]);
      expect(valueRange(data, [2, 3], false)).toEqual([2, 4]);
    }
  });

  it("says what it draws in SVG without a word that runs", () => {
    const [data, options] = EXAMPLES.zoomed();
    const text = writeSvg(lines(data, options)?.marks ?? [], 360, 200, THEME, `<script>"&`);
    expect(text).toContain("<title>&lt;script&gt;&quot;&amp;</title>");
  });
});

describe("lines in pixels", () => {
  const xs = scale([0, 9999], [0, 100]);
  const ys = scale([0, 100], [100, 0]);
  const x = Float64Array.from({ length: 10_000 }, (_, at) => at);

  it("keeps the one spike among ten thousand points", () => {
    const value = x.map((at) => (at === 7777 ? 100 : 1));
    const points = pixelLine(x, value, xs, ys);
    expect(points.length).toBeLessThan(1000);
    const tops = points.filter((_, at) => at % 2 === 1);
    expect(Math.min(...tops)).toBe(0);
    expect(points[2 * tops.indexOf(0)]).toBeCloseTo(77.77, -0.5);
  });

  it("touches the same pixels as all points would", () => {
    const value = x.map((at) => 50 + 49 * Math.sin(at * at));
    const points = pixelLine(x, value, xs, ys);
    for (let column = 0; column < 100; column += 1) {
      const mine = value.filter((_, at) => Math.floor(xs.to(at)) === column).map((one) => ys.to(one));
      const drawn = [...points].filter((_, at) => at % 2 === 1 && Math.floor(points[at - 1] as number) === column);
      expect(Math.min(...drawn)).toBeCloseTo(Math.min(...mine), 3);
      expect(Math.max(...drawn)).toBeCloseTo(Math.max(...mine), 3);
    }
  });

  it("breaks at NaN between columns of many points", () => {
    const value = x.map((at) => (at >= 4000 && at < 5000 ? Number.NaN : 1));
    const points = pixelLine(x, value, xs, ys);
    const breaks = [...points].flatMap((y, at) => (at % 2 === 1 && Number.isNaN(y) ? [points[at - 1]] : []));
    expect(breaks).toEqual([50]);
  });

  it("breaks at NaN, and goes on behind it", () => {
    const value = Float64Array.of(1, Number.NaN, 3);
    const points = pixelLine(Float64Array.of(0, 1, 2), value, scale([0, 2], [0, 10]), ys);
    expect([...points].map((one) => Math.round(one))).toEqual([0, 99, 5, Number.NaN, 10, 97]);
  });
});
