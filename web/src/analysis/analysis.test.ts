import { describe, expect, it } from "vitest";
import type { Mark } from "../charts/marks";
import { BETTER } from "./front";
import { bars, boxes, boxesOf, quantile } from "./boxes";
import { FEW as FEW_LINES, parallel } from "./parallel";
import { FEW, nearestDot, scatter } from "./scatter";
import { conditionsOf, logsOf, marked, unseen, type Column, type Values } from "./values";
import { hundredths, saidOf } from "./words";

function column(field: string, given: readonly (number | null)[], labels: readonly string[] | null = null): Column {
  const values = Float64Array.from(given, (one) => one ?? Number.NaN);
  return { field, values, labels, missing: given.filter((one) => one === null).length, nonfinite: given.filter((one) => one !== null && !Number.isFinite(one)).length };
}

function of(...columns: Column[]): Values {
  return { count: columns[0]?.values.length ?? 0, columns, ids: [] };
}

const OPTIONS = { width: 600, height: 400, logs: [], brush: {}, chosen: null, better: null, colour: () => "#000000", strong: "#0072b2" } as const;

/** All counts of a density, added up. */
function total(marks: readonly Mark[], at = 0): number {
  const found = marks.filter((one) => one.kind === "density")[at];
  return found?.kind === "density" ? Array.from(found.counts).reduce((sum, one) => sum + one, 0) : 0;
}

describe("a scatter plot", () => {
  it("draws each dot where there are few, what an axis cannot show beside it", () => {
    const values = of(column("x", [1, 10, null, 100]), column("y", [1, 2, 3, -1]));
    const found = scatter(values, { ...OPTIONS, logs: ["x", "y"] });
    const [x0, , x1, , x2, , x3, y3] = found?.pixels ?? [];
    expect((x1 ?? 0) - (x0 ?? 0)).toBeCloseTo((x3 ?? 0) - (x1 ?? 0), 3);
    expect(x2).toBe(found?.x.none);
    expect(y3).toBe(found?.y.none);
    expect(unseen(values.columns[1] as Column, true).below).toBe(1);
    expect(saidOf(values, ["x", "y"], ["x", "y"], (one) => one, FEW, null)).toEqual(["4 experiments", "each drawn", "x: 1 without, beside the axis", "y: 1 ≤ 0, beside the axis"]);
  });

  it("cuts texts along its axis, and between parallel axes, so that they do not meet", () => {
    const texts = ["cosine", "linear warm-up then cosine", "a third schedule of some length"];
    const values = of(column("x", [0, 1, 2], texts), column("y", [1, 2, 3]), column("z", [0, 1, 2], texts), column("u", [0, 1, 2], texts));
    const labels = (marks: readonly Mark[]) => marks.flatMap((one) => (one.kind === "text" && one.text.length > 3 && !/^[\d.]+$/.test(one.text) ? [one.text] : []));
    const few = labels(scatter(values, { ...OPTIONS, width: 260 })?.marks ?? []);
    expect(few.length).toBe(3);
    for (const one of few) expect(one.length * 6.2).toBeLessThanOrEqual(220 / 3);
    for (const one of labels(parallel(values, OPTIONS)?.marks ?? [])) expect(one.length * 6.2).toBeLessThanOrEqual((600 - 120) / 3);
  });

  it("counts every one of very many, also those without a value", () => {
    const count = 100_000;
    const values = of(column("x", Array.from({ length: count }, (_, at) => (at % 10 ? Math.sin(at) : null))), column("y", Array.from({ length: count }, (_, at) => Math.cos(at * 7))));
    const found = scatter(values, OPTIONS);
    expect(total(found?.marks ?? [])).toBe(count);
    const mine = marked(values, { x: "0..0.5" });
    const some = scatter(values, { ...OPTIONS, chosen: mine });
    expect(total(some?.marks ?? [], 1)).toBe(mine?.reduce((sum, one) => sum + one, 0));
    expect(mine?.[0]).toBe(0);
  });

  it("has a logarithmic axis of a setting that spans two decades, unless somebody chose otherwise", () => {
    const columns = [column("params.lr", [0.3, 0.03, 0.003]), column("params.width", [8, 32, 128]), column("metrics.loss.min", [1, 1000]), column("params.decay", [0, 0.1, 100])];
    expect(logsOf(columns, [])).toEqual(["params.lr"]);
    expect(logsOf(columns, ["-params.lr", "params.width"])).toEqual(["params.width"]);
  });

  it("has those stand out that no other one beats, equal ones together", () => {
    const xs = Array.from({ length: 400 }, (_, at) => (at % 50 ? Math.round(20 * Math.sin(at * 12.9898)) : null));
    const ys = Array.from({ length: 400 }, (_, at) => (at % 70 ? Math.round(20 * Math.sin(at * 78.233)) : Infinity));
    const values = of(column("x", xs), column("y", ys));
    const mine = Uint8Array.from(xs, (_, at) => at % 2);
    for (const better of BETTER) {
      const [across, up] = better.split("-").map((end) => (end === "low" ? 1 : -1)) as [number, number];
      for (const chosen of [null, mine]) {
        const among = xs.flatMap((x, at) => (x !== null && Number.isFinite(ys[at]) && (!chosen || chosen[at]) ? [{ at, x: across * x, y: up * (ys[at] as number) }] : []));
        const unbeaten = among.filter((one) => !among.some((other) => other.x <= one.x && other.y <= one.y && (other.x < one.x || other.y < one.y)));
        const found = scatter(values, { ...OPTIONS, better, chosen })?.front ?? [];
        expect([...found].sort((a, b) => a - b)).toEqual(unbeaten.map((one) => one.at));
        const along = found.map((at) => across * (xs[at] as number));
        expect(along).toEqual([...along].sort((a, b) => a - b));
      }
    }
    expect(scatter(of(column("x", [0, 1], ["a", "b"]), column("y", [1, 2])), { ...OPTIONS, better: "low-low" })?.front).toEqual([]);
  });

  it("finds the nearest dot", () => {
    expect(nearestDot(Float32Array.of(0, 0, 10, 10, 20, 0), 11, 9, 5)).toBe(1);
    expect(nearestDot(Float32Array.of(0, 0, 10, 10), 50, 50, 5)).toBe(-1);
  });
});

describe("parallel coordinates", () => {
  it("runs a line of each through all axes, and a part that is marked over the others", () => {
    const values = of(column("lr", [0.1, 0.01, null]), column("opt", [0, 1, 0], ["adam", "sgd"]), column("loss", [1, 2, 3]));
    const found = parallel(values, { ...OPTIONS, logs: ["lr"], brush: { opt: "-0.5..0.5" } });
    const lines = found?.marks.flatMap((one) => (one.kind === "many" ? [one.lines.length] : []));
    expect(lines).toEqual([1, 2]);
    expect(found?.axes.map((one) => one.column.field)).toEqual(["lr", "opt", "loss"]);
    expect(parallel(of(column("a", [1])), OPTIONS)).toBeNull();
  });

  it("counts each of very many in every column of pixels between axes", () => {
    const count = 10 * FEW_LINES;
    const flat = Array.from({ length: count }, () => 5);
    const found = parallel(of(column("a", flat), column("b", flat)), OPTIONS);
    const density = found?.marks.find((one) => one.kind === "density");
    if (density?.kind !== "density") throw new Error("it is not counted");
    const { columns, counts } = density;
    const middle = Array.from(counts).filter((_, at) => at % columns === 200);
    expect(Math.max(...middle)).toBe(count);
  });
});

describe("what is marked", () => {
  it("becomes conditions of the filter", () => {
    const columns = [column("params.lr", [0.1]), column("params.opt", [0, 1, 2], ["adam", "lion", "sgd"])];
    const literal = (one: string | number) => `'${one}'`;
    expect(conditionsOf(columns, { "params.lr": "0.01..0.2", "params.opt": "0.6..2.5" }, literal)).toEqual(["params.lr >= 0.01 and params.lr <= 0.2", "params.opt in ('lion', 'sgd')"]);
    expect(conditionsOf(columns, { "params.opt": "-0.5..0.4" }, literal)).toEqual(["params.opt == 'adam'"]);
    expect(marked(of(...columns), {})).toBeNull();
  });
});

describe("boxes", () => {
  it("have the quantiles of numpy, and count what has no result", () => {
    const found = boxesOf(column("loss", [4, 1, 3, 2, null, 7]), column("opt", [0, 0, 0, 0, 0, null], ["adam"]), false);
    expect(found.map((one) => [one.label, one.values.length, one.without, one.mean])).toEqual([["adam", 4, 1, 2.5], ["none", 1, 0, 7]]);
    expect([0, 0.25, 0.5, 0.75, 1].map((share) => quantile(found[0]?.values ?? [], share))).toEqual([1, 1.75, 2.5, 3.25, 4]);
    expect(found[0]?.sd).toBeCloseTo(1.2909944487358056, 12);
  });

  it("are drawn from their quartiles, and bars from zero", () => {
    const result = column("loss", [1, 2, 3, 4, 5]);
    const all = boxesOf(result, column("opt", [0, 0, 0, 0, 0], ["adam"]), false);
    const look = { width: 300, height: 300, log: false, strong: "#0072b2" };
    const drawn = boxes(all, result, look);
    const dots = drawn.find((one) => one.kind === "signs" && one.sign === "dot");
    expect(dots?.kind === "signs" && dots.points.length).toBe(10);
    const band = bars(all, result, look).find((one) => one.kind === "band");
    if (band?.kind !== "band") throw new Error("there is no bar");
    const [, top, bottom] = band.points as unknown as [number, number, number];
    const spread = bars(all, result, look).find((one) => one.kind === "line");
    if (spread?.kind !== "line") throw new Error("there is no deviation");
    expect(Math.abs((spread.points[3] as number) - (spread.points[1] as number)) / (bottom - top)).toBeCloseTo((2 * Math.sqrt(2.5)) / 3, 3);
  });

  it("divide a setting with very many values in parts, each experiment in one", () => {
    const many = Array.from({ length: 1000 }, (_, at) => Math.sqrt(at));
    const found = boxesOf(column("loss", many), column("lr", many), false);
    expect(found.map((one) => one.values.length)).toEqual([125, 125, 125, 125, 125, 125, 125, 125]);
  });
});

it.each([
  [-0.0004, 0, "0"],
  [-0.0004, 1, "0.0"],
  [-0.058, 1, "-5.8"],
  [0.564, 1, "56.4"],
])("the share %d has, with %d digits, no sign where nothing is left of it", (share, digits, text) => {
  expect(hundredths(share, digits)).toBe(text);
});
