import { describe, expect, it } from "vitest";
import { parseJson } from "./api";
import { ago, duration, lacking, longestTail, numeric, short, size, spaced, unitOf, valued } from "./numbers";

describe("numbers read as on the command line", () => {
  it.each([
    [0, "0"], [42, "42"], [-3, "-3"], [0.1234567, "0.1235"], [12.345678, "12.346"], [0.00012345, "1.234e-04"],
    [123456.7, "1.235e+05"], [1e6, "1.000e+06"], [Number.NaN, "NaN"], [-Infinity, "-inf"], [null, ""],
  ])("%s is %s", (value, text) => {
    expect(short(value as number | null)).toBe(text);
  });

  it.each([[0.44, "0.4s"], [12, "12s"], [200, "3m 20s"], [187200, "2d 4h"], [3600, "1h"], [null, ""]])("%s s is %s", (value, text) => {
    expect(duration(value as number | null)).toBe(text);
  });

  it.each([[980, "980 B"], [1200, "1.2 kB"], [123_400_000, "123 MB"]])("%s bytes are %s", (count, text) => {
    expect(size(count)).toBe(text);
  });

  it.each([
    ["system/memory.available_bytes", 1.2e10, "12.0 GB"], ["system/disk.read_bytes_per_s", 1200, "1.2 kB/s"],
    ["system/network.sent_bytes_per_s", 0.00012345, "1.234e-04 B/s"], ["system/network.sent_bytes_per_s", 0, "0 B/s"],
    ["system/cpu.percent", 12.5, "12.5"], ["train/bytes", 1200, "1200"],
  ])("%s of %s is %s", (metric, value, text) => {
    expect(valued(value, unitOf(metric))).toBe(text);
  });

  it("says how long ago it was until a week is over", () => {
    expect([5, 59, 3599, 7200, 86400 * 6].map((one) => ago(1e9 - one, 1e9))).toEqual(["now", "59s ago", "59m ago", "2h ago", "6d ago"]);
    expect(ago(1e9 - 86400 * 8, 1e9)).toMatch(/^2001-\d\d-\d\d$/);
  });

  it("keeps steps beyond 2⁵³ exact", () => {
    const found = parseJson('{"steps": [9007199254740993, 1], "text": "9007199254740993"}') as { steps: (bigint | number)[] };
    expect(found).toEqual({ steps: [9007199254740993n, 1], text: "9007199254740993" });
    expect(parseJson("[0.12345678901234567, 1e-300]")).toEqual([0.12345678901234567, 1e-300]);
    expect(parseJson("[0.12345678901234567,-9007199254740993]")).toEqual([0.12345678901234567, -9007199254740993n]);
    expect(spaced(found.steps[0])).toBe("9\u2009007\u2009199\u2009254\u2009740\u2009993");
  });

  it("reads the numbers that JSON has none for", () => {
    expect(["NaN", "Infinity", "-Infinity", "x", 3].map(numeric)).toEqual([Number.NaN, Infinity, -Infinity, null, 3]);
  });
});

it.each([
  [["0.9815", "0.887", "1", "-2.5"], [undefined, "5", ".9815", "815"]],
  [["12\u2009000", "1e-05", "NaN", ""], ["e-05", undefined, undefined, undefined]],
  [["1", "2.00000000001"], [undefined, undefined]],
])("the points of %j stand below each other when they are given %j", (texts, expected) => {
  const longest = longestTail(texts);
  expect(texts.map((one) => lacking(one, longest))).toEqual(expected);
});
