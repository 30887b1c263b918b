import { afterEach, expect, test } from "vitest";
import { ago, size, units } from "../numbers";
import { readPreferences } from "./preferences";

afterEach(() => Object.assign(units, { times: "ago", sizes: "decimal" }));

test("what somebody wrote otherwise is as usual", () => {
  expect(readPreferences({})).toEqual({ theme: null, side: null, columns: null, times: "ago", sizes: "decimal", alertsSeen: 0 });
  expect(readPreferences({ theme: "pink", side: "wide", columns: [1], times: 3, sizes: [] })).toEqual(readPreferences({}));
  expect(readPreferences({ theme: "dark", columns: ["name"], sizes: "binary" })).toMatchObject({ theme: "dark", columns: ["name"], sizes: "binary" });
});

test("times and sizes read as they are preferred", () => {
  expect([ago(1000, 1120), size(2048)]).toEqual(["2m ago", "2.0 kB"]);
  Object.assign(units, { times: "date", sizes: "binary" });
  expect([size(2048), size(900), size(5 * 1024 ** 3)]).toEqual(["2.0 KiB", "900 B", "5.0 GiB"]);
  expect(ago(1000, 1120)).toMatch(/^19(69|70)-/);
});
