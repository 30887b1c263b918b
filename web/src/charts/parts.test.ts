/** The parts of a chart: axes, what is nearest, what a panel says, what is exported, which panels there are. */

import { describe, expect, it, vi } from "vitest";
import { DEFAULT_STATUS } from "./status.example";
import { panelData } from "./curves";
import { writeCsv } from "./csv";
import { frame } from "./frame";
import { answerOf, bucketsOf } from "./lines.example";
import { nearest, valueAt } from "./nearest";
import { AT_MOST, limitOf, MOST, question, xKindOf } from "./question";
import { machineSections, matcher, panelsAcross, sectionsOf } from "./sections";
import { status } from "./status";
import { byteTicks, linearTicks, logTicks, relativeTicks, stepTicks, timeTicks } from "./ticks";
import { turns } from "./turns";
import { USUAL } from "../state";

const labels = (ticks: readonly { label: string }[]) => ticks.map((one) => one.label).filter(Boolean);

describe("ticks", () => {
  it("are round", () => {
    expect(labels(linearTicks([0, 1], 5))).toEqual(["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
    expect(labels(byteTicks([0, 12.4e9], 2, "bytes"))).toEqual(["0", "5 GB", "10 GB"]);
    expect(labels(byteTicks([0, 0.0004], 2, "bytes a second"))).toEqual(["0", "0.0002 B/s", "0.0004 B/s"]);
    expect(labels(linearTicks([-3.1, 2.2], 5))).toEqual(["−3", "−2", "−1", "0", "1", "2"]);
    expect(labels(linearTicks([1e-7, 3e-7], 2))).toEqual(["1e−7", "2e−7", "3e−7"]);
  });

  it("of logarithms are powers of ten", () => {
    expect(labels(logTicks([1e-5, 1e3], 8))).toEqual(["1e−5", "1e−4", "0.001", "0.01", "0.1", "1", "10", "100", "1000"]);
    expect(labels(logTicks([0.5, 40], 5))).toEqual(["0.5", "1", "2", "5", "10", "20"]);
    expect(logTicks([0, 1], 5)).toEqual([]);
  });

  it("of steps are whole, and exact beyond 2^53", () => {
    expect(labels(stepTicks([0, 3], 10))).toEqual(["0", "1", "2", "3"]);
    expect(labels(stepTicks([0, 2e6], 4))).toEqual(["0", "0.5M", "1.0M", "1.5M", "2.0M"]);
    const exact = stepTicks([0, 4], 2, 2n ** 62n);
    expect(exact.map((one) => BigInt(one.label.replace(/\D/g, "")))).toEqual([2n ** 62n, 2n ** 62n + 2n, 2n ** 62n + 4n]);
    expect(exact.map((one) => one.at)).toEqual([0, 2, 4]);
  });

  it("of times are round minutes and hours", () => {
    expect(labels(relativeTicks([0, 7200], 4))).toEqual(["0", "30m", "1h", "1h 30m", "2h"]);
    const noon = new Date(2026, 3, 1, 12).getTime() / 1000;
    expect(labels(timeTicks([noon, noon + 3600], 4))).toEqual(["12:00", "12:15", "12:30", "12:45", "13:00"]);
  });
});

describe("what is nearest", () => {
  const data = panelData(answerOf({ a: [[0, 1], [10, 2]], b: [[0, 5], [10, 6]] }));
  const made = frame({ width: 300, height: 200, x: [0, 10], y: [0, 8], xKind: "step", xLog: false, yLog: false, origin: 0n });

  it("is the nearest line, at a point of it", () => {
    const found = nearest(data, made, made.xs.to(9), made.ys.to(5.5));
    expect([found?.curve.key, found?.x, found?.value]).toEqual(["b loss", 10, 6]);
  });

  it("is straight between points for a difference", () => {
    const [first] = data.curves;
    expect(first && valueAt(first, 5)).toBe(1.5);
    expect(first && valueAt(first, 11)).toBeNaN();
  });
});

describe("the status line", () => {
  it("says what is shown and what is left out", () => {
    const data = panelData(answerOf({ a: [[0, 1], [1, -1]], b: [[0, Number.NaN], [1, 0]] }));
    const said = status({ ...DEFAULT_STATUS, data, experiments: 4, asked: 3, yLog: true });
    expect(said.map((one) => one.text)).toEqual([
      "2 of 3", "the first 3 of 4 experiments", "4 points", "exact", "1 NaN", "log axis hides 2 ≤ 0",
    ]);
    expect(said.filter((one) => one.warns).length).toBe(2);
  });
});

describe("CSV", () => {
  it("has every number that is drawn", () => {
    const data = panelData(answerOf({ a: [[0, 1], [1, 0.1], [2, Number.NaN]] }));
    expect(writeCsv(data, [1, 2], "step", () => '=x,"').split("\r\n")).toEqual([
      "experiment,name,metric,step,value", `a,"'=x,""",loss,1,0.1`, `a,"'=x,""",loss,2,NaN`, "",
    ]);
    expect(writeCsv(panelData(bucketsOf([1, 2], [3, 4], [2, 3])), null, "step", String)).toContain("a,a,loss,0.5,1,3,2");
  });
});

describe("turns", () => {
  it("are taken one in each frame, the first at once, and can be given back", async () => {
    const frames: (() => void)[] = [];
    vi.stubGlobal("requestAnimationFrame", (call: () => void) => frames.push(call));
    const done: string[] = [];
    turns.take(() => done.push("a"));
    const back = turns.take(() => done.push("b"));
    turns.take(() => done.push("c"));
    back();
    await Promise.resolve();
    expect(done).toEqual(["a"]);
    frames.shift()?.();
    await new Promise((resolve) => setTimeout(resolve));
    expect(done).toEqual(["a", "c"]);
    vi.unstubAllGlobals();
  });
});

describe("a crowd", () => {
  const density = { x: [0, 100], y: [1, 3], xLog: false, yLog: false, columns: 2, rows: 2, counts: Int32Array.of(0, 1, 4, 0), series: 5000, best: [] } as const;
  const data = { ...panelData(answerOf({ a: [[0, 1]] })), curves: [], exact: false, density };

  it("is said to be one, and how to see single lines", () => {
    const said = status({ ...DEFAULT_STATUS, data, experiments: 5000, asked: 5000 });
    expect(said.map((one) => one.text)).toContain("density of all lines");
    expect(said[0]?.text.replace(/\D/gu, "")).toBe("50005000");
  });

  it("is exported cell by cell", () => {
    expect(writeCsv(data, null, "step", String).trim().split("\r\n")).toEqual(["step from,to,value from,to,experiments", "50,100,2,3,1", "0,50,1,2,4"]);
  });

  it("is asked for in rows, of all experiments and without their points", () => {
    const asked = question(["m"], { filter: "", sort: [], limit: null }, 8192, 400, USUAL, null, null, { rows: 200, y: [1, 2], better: "min" });
    expect(asked.density).toEqual({ rows: 200, spacing: "linear", low: 1, high: 2, better: "min" });
    expect([asked.points, asked.columns]).toEqual([0, []]);
  });
});

describe("sections", () => {
  it("come with validation first, then training, the rest and the system", () => {
    const found = sectionsOf(["system/cpu", "loss", "train/loss", "val/acc", "val/loss", "grad/norm"], ["val/loss"]);
    expect(found.map((one) => one.name)).toEqual(["val", "train", "grad", "", "system"]);
    expect(found[0]?.metrics).toEqual(["val/loss", "val/acc"]);
    expect(found.map((one) => one.folded)).toEqual([false, false, false, false, true]);
  });

  it("are one where each has a single panel", () => {
    const found = sectionsOf(["train/loss", "system/cpu", "val/loss"]);
    expect(found.map((one) => one.name)).toEqual(["metrics", "system"]);
    expect(found[0]?.metrics).toEqual(["val/loss", "train/loss"]);
  });

  it("fold families of many", () => {
    const layers = Array.from({ length: 30 }, (_, at) => `layers/${at}/norm`);
    expect(sectionsOf(layers)[0]?.folded).toBe(true);
  });

  it("are searched by words, patterns and regular expressions", () => {
    expect(matcher("LOSS val")?.("val/loss")).toBe(true);
    expect(matcher("val/*")?.("val/loss")).toBe(true);
    expect(matcher("val/*")?.("a/val/loss")).toBe(false);
    expect(matcher("/l.ss$/")?.("val/loss")).toBe(true);
    expect(matcher("/(/")).toBeNull();
  });

  it("stand two to four across", () => {
    expect([300, 700, 1100, 2000].map((width) => panelsAcross(width, 12))).toEqual([1, 2, 3, 4]);
  });
});

describe("the question of a panel", () => {
  it("asks for every point of a few, and for groups without their members", () => {
    const which = { ids: ["a"] };
    const usual = question(["loss"], which, 1, 400, USUAL, null, null);
    expect([usual.x, usual.points, usual.group]).toEqual(["step", 20_000, []]);
    const grouped = question(["loss"], which, 1, 400, { ...USUAL, x: "epoch", group: ["params.lr"], dash: "params.opt" }, [1, 2], 5n);
    expect([grouped.x, grouped.x_metric, grouped.points, grouped.columns]).toEqual(["metric", "epoch", 0, []]);
    expect([grouped.group, grouped.start, grouped.origin]).toEqual([["params.lr", "params.opt"], 1, "5"]);
    expect(xKindOf("relative")).toBe("relative");
  });

  it("is of all members of groups, however many there are, and of the first ones only where lines are drawn or counted", () => {
    expect(["group", "dash", "facet"].map((by) => limitOf({ ...USUAL, [by]: by === "group" ? ["params.lr"] : "params.lr" }, true))).toEqual([null, null, null]);
    expect([limitOf(USUAL, false), limitOf(USUAL, true), limitOf({ ...USUAL, every: true }, true)]).toEqual([MOST, AT_MOST, null]);
    for (const experiments of [1, 1000, 2 ** 17, 2 ** 20]) {
      const { buckets } = question(["m"], { filter: "", sort: [], limit: null }, experiments, 400, { ...USUAL, group: ["params.lr"] }, null, null);
      expect(buckets).toBeGreaterThan(0);
      expect(buckets * experiments).toBeLessThanOrEqual(10_000_000);
    }
  });
});

it("what is sampled of machines lies in sections by what it is of", () => {
  const names = ["system/gpu.10.memory", "system/gpu.2.memory", "system/cpu.percent", "system/gpu.2.utilization", "system/memory", "system/disk.read_bytes"];
  expect(machineSections(names).map((one) => [one.name, one.metrics.length])).toEqual([["cpu", 1], ["disk", 1], ["gpu.2", 2], ["gpu.10", 1], ["memory", 1]]);
  const many = machineSections(["cpu.percent", ...[0, 1, 2, 10].flatMap((at) => [`gpu.${at}.power_w`, `gpu.${at}.utilization`])].map((one) => `system/${one}`));
  expect(many.map((one) => [one.name, one.metrics.length, one.small ?? false])).toEqual([["gpu utilization", 4, true], ["gpu power_w", 4, true], ["cpu", 1, false]]);
  expect(many[0]?.metrics.at(-1)).toBe("system/gpu.10.utilization");
});
