import { expect, test } from "vitest";
import { chartOf, numbers } from "./plotly";

test("lines, points and bars of a figure are drawn with its titles", () => {
  const found = chartOf({
    data: [
      { type: "scatter", name: "a", mode: "lines", x: [1, 2], y: [3, null] },
      { type: "bar", x: [1, 2], y: [1, 2] },
      { type: "sankey" },
    ],
    layout: { title: { text: "What <b>it</b> is" }, xaxis: { title: "step" } },
  });
  expect(found?.title).toBe("What  it  is");
  expect(found?.x).toBe("step");
  expect(found?.series.map((one) => [one.kind, one.name, one.x])).toEqual([["line", "a", [1, 2]], ["bars", "series 2", [1, 2]]]);
  expect(found?.left).toEqual(["sankey"]);
});

test("texts along x are places, and packed numbers are read", () => {
  expect(numbers({ dtype: "i1", bdata: "AAEC" })).toEqual([0, 1, 2]);
  expect(numbers({ dtype: "f8", bdata: "not base 64!" })).toEqual([]);
  const found = chartOf({ data: [{ type: "bar", x: ["b", "a", "b"], y: [1, 2, 3] }] });
  expect(found?.places).toEqual(["b", "a"]);
  expect(found?.series[0]?.x).toEqual([0, 1, 0]);
});

test("values are counted in a histogram, and a heat map has its rows", () => {
  const counted = chartOf({ data: [{ type: "histogram", x: [0, 0, 1, 1] }] })?.series[0];
  expect(counted?.y).toEqual([2, 2]);
  expect(chartOf({ data: [{ type: "heatmap", z: { dtype: "i1", bdata: "AAECAw==", shape: "2, 2" } }] })?.heat?.z).toEqual([[0, 1], [2, 3]]);
});

test("what is no figure is none", () => {
  for (const one of [null, 3, {}, { data: [{ type: "sankey" }] }, { data: [{ type: "scatter", y: "no" }] }]) expect(chartOf(one)).toBe(null);
});
