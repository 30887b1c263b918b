import { describe, expect, it } from "vitest";
import { binAt, columnAt, countAt, extentOf, heat, recordedAt, ridges, type Columns, type Told } from "./histograms";
import { dotsPicture, strandsPicture } from "./picture";
import { cellsOf, ordered, placeOf, readAgainst, shownCell, shownChange, writeAgainst } from "./tables";
import type { Column, Values } from "./values";

const COLUMNS: Columns = { id: "a", recorded: 3, first: [0, 10, 20], last: [0, 10, 20], each: [1, 1, 1], at: [0, 10, 20], counts: [4, 0, 0, 4, 1, 3], values: [4, 4, 5], steps: true };
const TOLD: Told = { name: "w", edges: [0, 1, 3], exact: true, unreadable: 0, series: [COLUMNS] };
const LOOK = { width: 400, height: 220, strong: "#0072b2", steps: [0, 20] as const };

describe("histograms over steps", () => {
  it("are found by step and by value", () => {
    expect([-1, 0, 9, 10, 99].map((step) => columnAt(COLUMNS, step))).toEqual([-1, 0, 0, 1, 2]);
    expect([-0.1, 0, 1, 2.9, 3, 3.1].map((value) => binAt(TOLD.edges, value))).toEqual([-1, 0, 1, 1, 1, -1]);
    expect(recordedAt(COLUMNS, 14)).toBe(10);
    expect(extentOf(TOLD)).toEqual([0, 20]);
    expect(countAt(TOLD, 0.5)).toEqual({ bin: [0, 1], count: 4, all: 4, several: 1 });
  });

  it("are a heat map in which a step is as dark as its part of values in a bin is dense", () => {
    const drawn = heat(TOLD, COLUMNS, LOOK);
    const map = drawn.marks.find((one) => one.kind === "density");
    if (map?.kind !== "density") throw new Error("there is no map");
    const at = (step: number, value: number) => map.counts[Math.floor((drawn.values.to(value) - map.box.y) / 2) * map.columns + Math.floor((drawn.steps.to(step) - map.box.x) / 2)];
    expect(at(5, 0.5)).toBe(1000);
    expect(at(5, 2)).toBe(0);
    expect(at(15, 0.5)).toBe(0);
    expect(at(15, 2)).toBe(500); // the bin is twice as wide
    expect(at(25, 0.5)).toBe(250);
  });

  it("are ridges, a later step before an earlier one", () => {
    const drawn = ridges(TOLD, COLUMNS, LOOK);
    const inside = drawn.marks.find((one) => one.kind === "inside");
    if (inside?.kind !== "inside") throw new Error("there are no ridges");
    const grounds = inside.marks.flatMap((one) => (one.kind === "line" ? [one.points[1] as number] : []));
    expect(grounds).toHaveLength(3);
    expect(grounds).toEqual([...grounds].sort((a, b) => a - b));
  });
});

describe("tables over steps", () => {
  it("are shown as they were last logged by a step", () => {
    expect([null, 5, 10, 99, -1].map((step) => placeOf([0, 10, 20], step))).toEqual([2, 0, 1, 2, 0]);
  });

  it("are held against another step, or another experiment, as the link says", () => {
    for (const against of [{ step: 5, id: "" }, { step: null, id: "k7f3" }, { step: -2, id: "k7f3" }]) expect(readAgainst(writeAgainst(against))).toEqual(against);
    expect([readAgainst(""), readAgainst("x")]).toEqual([null, null]);
  });

  it("show of fractions the digits that tell, and those that tell two apart", () => {
    expect([0.123456789, 1234567, null, "a"].map(shownCell)).toEqual(["0.1235", "1234567", "", "a"]);
    expect(shownChange(0.5, 0.25)).toEqual(["0.5", "0.25"]);
    expect(shownChange(0.1234567, 0.1234568)).toEqual(["0.1234567", "0.1234568"]);
  });

  it("are ordered by a column up, down and not at all", () => {
    expect([[], ["a"], ["-a"], ["b"]].map((order) => ordered(order, "a"))).toEqual([["a"], ["-a"], [], ["a"]]);
  });

  it("tell in each cell what it was where it is something else", () => {
    const [a, b] = [new Map([["x", 0], ["y", 1]]), new Map([["y", 0], ["z", 1]])];
    expect(cellsOf({ a: [1, 2], b: [3, 4], changed: ["y"] }, ["y", "z", "x"], a, b)).toEqual([{ now: 3, was: 2 }, { now: 4, was: undefined }, { now: 1, was: undefined }]);
    expect(cellsOf({ a: null, b: [3, 4], changed: [] }, ["y", "z", "x"], a, b)).toEqual([{ now: 3, was: undefined }, { now: 4, was: undefined }, null]);
  });
});

describe("what is drawn, for a program", () => {
  const column = (field: string, values: number[], labels: string[] | null = null): Column => ({ field, values, labels, missing: 0, nonfinite: 0 });
  const values: Values = { count: 3, ids: [], columns: [column("params.lr", [0.1, Number.NaN, 0.001]), column("params.opt", [0, 1, 0], ["adam", "sgd"]), column("loss", [1, 2, Number.POSITIVE_INFINITY])] };
  const look = { logs: ["params.lr"], chosen: null, title: (one: string) => one, colour: () => "#0072b2" };

  it("is of every experiment that has a place", () => {
    const made = dotsPicture({ ...values, columns: [values.columns[0] as Column, values.columns[2] as Column] }, look);
    expect(made).toMatchObject({ kind: "dots", xs: [0.1, 0.001], ys: [1, null], colors: ["#0072b2"], remark: "1 without params.lr", x: { kind: "log" } });
  });

  it("has a ruler for each axis", () => {
    const made = strandsPicture(values, { ...look, chosen: Uint8Array.of(1, 1, 0) });
    expect(made?.rulers.map((one) => [one.kind, one.categories.length])).toEqual([["log", 0], ["text", 2], ["linear", 0]]);
    expect(made?.values).toEqual([[0.1, null], [0, 1], [1, 2]]);
  });
});
