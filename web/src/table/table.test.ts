import { describe, expect, it } from "vitest";
import type { Schemas } from "../api";
import { nameOf, sameInAll, textOf, titleOf, usualColumns } from "./columns";
import { starts, visibleColumns, visibleRows } from "./window";

function fact(field: string, values: number, more: Partial<Schemas["FieldFact"]> = {}): Schemas["FieldFact"] {
  const [section = "params", ...rest] = field.split(".");
  return { field, section, name: rest.join("."), experiments: 10, values, only: null, better: null, ...more } as Schemas["FieldFact"];
}

const TOLD: Schemas["Telling"] = {
  experiments: 10,
  whole: false,
  headline: "val/acc",
  metrics: 1,
  fields: [fact("params.lr", 3), fact("params.opt", 1, { only: "adam" }), fact("metrics.val/acc", 0, { better: "max" })],
};

describe("the columns of a table", () => {
  it("are first what tells most", () => {
    expect(usualColumns(TOLD)).toEqual([
      "name", "status", "metrics.val/acc.max", "metrics.val/acc.max_step", "~metrics.val/acc", "params.lr", "duration", "created_at",
    ]);
    expect(sameInAll(TOLD)).toEqual(["opt adam"]);
  });

  it.each([
    ["metrics.val/acc.max", { text: "val/acc", detail: "max" }],
    ["metrics.val/acc.max_step", { text: "val/acc", detail: "at max" }],
    ["metrics.max", { text: "max", detail: "" }],
    ['metrics["a b"].min', { text: "a b", detail: "min" }],
    ["params.model.depth", { text: "model.depth", detail: "" }],
    ["created_at", { text: "created", detail: "" }],
  ])("are called by what they are of: %s", (field, title) => {
    expect(titleOf(field)).toEqual(title);
  });

  it("read names in brackets", () => {
    expect(nameOf('params["it\'s \\"so\\""]')).toBe(`it's "so"`);
  });

  it.each([
    ["metrics.loss.min", 0.123456789, "0.1235", "0.123456789"],
    ["metrics.loss.min", "NaN", "NaN", "NaN"],
    ["metrics.loss.min_step", 1234567, "1\u2009234\u2009567", "1234567"],
    ["params.lr", 0.1 + 0.2, "0.3", "0.30000000000000004"],
    ["tags", { a: null, b: "1" }, "a  b=1", "a  b=1"],
    ["params.lr", 0.00123456789, "0.001235", "0.00123456789"],
    ["params.lr", 0.0003, "0.0003", "0.0003"],
    ["params.lr", 0.000252983812018, "2.53e-4", "0.000252983812018"],
    ["params.lr", null, "", ""],
  ])("show %s of %j as %s", (field, value, text, whole) => {
    expect(textOf(field, value, 0)).toEqual({ text, whole });
  });
});

describe("the window of a table", () => {
  it("holds the same few rows of any number", () => {
    const { first, stop } = visibleRows(28 * 50_000, 600, 28, 100_000);
    expect(stop - first).toBeLessThan(50);
    expect(first).toBeLessThanOrEqual(50_000);
    expect(visibleRows(0, 600, 28, 3)).toEqual({ first: 0, stop: 3 });
    expect(visibleRows(0, 600, 28, 0)).toEqual({ first: 0, stop: 0 });
  });

  it("holds the columns that are seen beside the pinned ones", () => {
    const begin = starts(Array.from({ length: 1000 }, () => 100));
    expect(visibleColumns(begin, 1, 0, 450)).toEqual({ first: 1, stop: 5 });
    expect(visibleColumns(begin, 1, 5000, 450)).toEqual({ first: 51, stop: 55 });
    expect(visibleColumns(starts([100]), 1, 0, 450)).toEqual({ first: 1, stop: 1 });
  });
});
