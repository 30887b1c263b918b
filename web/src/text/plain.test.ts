import { describe, expect, test } from "vitest";
import { asText, branches, differing, leaves } from "./plain";

const CONFIG = {
  lr: 0.1,
  model: { depth: 3, odd: { $float: "NaN" }, empty: {}, sizes: [1, "a"] },
  data: { path: "/x", augment: { flip: true } },
};

describe("recorded values", () => {
  test("have dotted names in their order, and tagged floats are values", () => {
    expect(leaves(CONFIG).map((one) => one.name)).toEqual([
      "lr", "model.depth", "model.odd", "model.empty", "model.sizes", "data.path", "data.augment.flip",
    ]);
    expect(leaves(3)).toEqual([]);
  });

  test("read as text", () => {
    expect(asText({ $float: "-Infinity" })).toBe("-inf");
    expect(asText([1, "a", { b: null }])).toBe('[1, "a", {b: none}]');
    expect(asText(0.1 + 0.2)).toBe("0.3");
    expect(asText(2n ** 60n)).toBe("1152921504606846976");
    expect(asText("text")).toBe("text");
  });

  test("are a tree in which closed mappings have no lines", () => {
    const lines = branches(CONFIG, { closed: new Set(["model"]) });
    expect(lines.map((one) => one.name)).toEqual(["lr", "model", "data", "data.path", "data.augment", "data.augment.flip"]);
    expect(lines.find((one) => one.name === "model")?.inside).toBe(4);
  });

  test("are found by name and by value, with what they lie in", () => {
    expect(branches(CONFIG, { search: "FLIP" }).map((one) => one.name)).toEqual(["data", "data.augment", "data.augment.flip"]);
    expect(branches(CONFIG, { search: "model nan" }).map((one) => one.name)).toEqual(["model", "model.odd"]);
    expect(branches(CONFIG, { search: "nothing" })).toEqual([]);
  });

  test("differ where a value, its type or its presence does", () => {
    const other = { lr: "0.1", model: { depth: 3, odd: { $float: "NaN" }, empty: {}, sizes: [1, "b"] }, data: { path: "/x" } };
    expect(differing(CONFIG, other).map((one) => one.name)).toEqual(["lr", "model.sizes", "data.augment.flip"]);
    expect(differing(CONFIG, CONFIG)).toEqual([]);
    expect(differing({ a: 2n ** 60n }, { a: 2n ** 60n + 1n })).toHaveLength(1);
  });
});
