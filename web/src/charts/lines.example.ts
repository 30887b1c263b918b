/** Examples of the line chart: each is a snapshot test, and shows what an option does. */

import { coloursOf } from "../colours";
import { panelData, type PanelAnswer } from "./curves";
import type { LinesOptions } from "./lines";

const array = (data: number[], ...shape: number[]) => ({ data: Float64Array.from(data), shape });
const NONE = array([], 0, 0);

/** An answer with these points of each experiment. */
export function answerOf(points: Readonly<Record<string, readonly (readonly [number, number])[]>>): PanelAnswer {
  const names = Object.keys(points);
  const all = Object.values(points);
  const starts = [0];
  for (const one of all) starts.push((starts.at(-1) as number) + one.length);
  const x = all.flatMap((one) => one.map(([place]) => place));
  const value = all.flatMap((one) => one.map(([, of]) => of));
  const each = (which: (value: number) => boolean) => array(all.map((one) => one.filter(([, of]) => which(of)).length), all.length);
  return {
    grid: { start: Math.min(...x), stop: Math.max(...x), buckets: 100, spacing: "linear" },
    series: names.map((id, at) => ({ id, metric: "loss", points: all[at]?.length ?? 0, group: null, attempt: null })),
    buckets: { low: NONE, high: NONE, last: NONE, mean: NONE, count: NONE, nonfinite: NONE },
    totals: {
      inside: each(() => true),
      nan: each(Number.isNaN),
      infinite: each((one) => Math.abs(one) === Infinity),
      not_positive: each((one) => one <= 0),
      unplaced: each(() => false),
    },
    origin: "0",
    exact: { starts: array(starts, starts.length), x: array(x, x.length), x_starts: array(starts.slice(0, -1), all.length), value: array(value, value.length), base: 0 },
    groups: [],
    group_buckets: null,
    group_places: null,
    robust: null,
    left_out: [],
  };
}

/** An answer in buckets: low, high and last of each. */
export function bucketsOf(low: number[], high: number[], last: number[]): PanelAnswer {
  const width = low.length;
  const answer = answerOf({ a: [[0, 1]] });
  return {
    ...answer,
    grid: { start: 0, stop: width, buckets: width, spacing: "linear" },
    exact: null,
    buckets: { ...answer.buckets, low: array(low, 1, width), high: array(high, 1, width), last: array(last, 1, width), nonfinite: array(low.map(() => 0), 1, width) },
  };
}

/** Options of an example: 360 × 200, as on paper. */
export function optionsOf(given: Partial<LinesOptions> = {}): LinesOptions {
  const colours = coloursOf(["a", "b", "c"], { a: "0", b: "1", c: "2" });
  return {
    width: 360, height: 200, dark: false, xKind: "step", xLog: false, yLog: false, x: null, y: null, robust: false, band: true,
    colour: (one) => colours.get("id" in one ? one.id : one.key) ?? ({ slot: 0, light: "#0072b2", dark: "#3fa9f0", dash: [] }),
    ...given,
  };
}

const falling = (from: number) => Array.from({ length: 12 }, (_, at): [number, number] => [at * 10, from * Math.exp(-at / 4)]);

export const EXAMPLES = {
  "two experiments, every point": () => [panelData(answerOf({ a: falling(2), b: falling(1) })), optionsOf()] as const,
  "a logarithmic axis, and values that are no numbers": () =>
    [
      panelData(answerOf({ a: [...falling(2), [120, Number.NaN], [130, Infinity], [140, 0.01]], b: [[0, 0.5], [50, -1], [100, 0.2]] })),
      optionsOf({ yLog: true }),
    ] as const,
  "a band from the smallest to the largest of each bucket": () =>
    [panelData(bucketsOf([1, 0.5, 0.2, 0.1], [2, 1.5, 9, 0.4], [1.5, 0.9, 0.4, 0.2])), optionsOf()] as const,
  "an experiment of a single point": () => [panelData(answerOf({ a: [[5, 1]], b: falling(1) })), optionsOf()] as const,
  "zoomed": () => [panelData(answerOf({ a: falling(2), b: falling(1) })), optionsOf({ x: [15, 45] })] as const,
  "very many lines as cells, and the best of them": () => {
    const answer = answerOf({ a: falling(2) });
    const density = { low: 0, high: 3, counts: array([0, 0, 1, 9, 4, 0, 4, 9, 9], 3, 3), series: 13, best: ["a"] };
    const crowd = panelData({ ...answer, grid: { start: 0, stop: 110, buckets: 3, spacing: "linear" }, series: [], exact: null, density });
    return [{ ...crowd, curves: panelData(answer).curves }, optionsOf()] as const;
  },
  "groups with a band": () => {
    const answer = answerOf({ a: falling(2) });
    const places = array([0, 10, 20], 3);
    return [
      panelData(
        {
          ...answer,
          exact: null,
          groups: [{ values: ["adam"], metric: "loss", members: 3 }],
          group_places: places,
          group_buckets: { mean: array([3, 2, 1], 1, 3), deviation: array([1, 0.5, Number.NaN], 1, 3), quantiles: array([], 1, 0, 3), members: array([3, 3, 1], 1, 3) },
        },
        "mean",
        "sd",
      ),
      optionsOf(),
    ] as const;
  },
};
