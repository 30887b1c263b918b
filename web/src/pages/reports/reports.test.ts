import { expect, test } from "vitest";
import { isMeant, keyOf, stateOf, whichOf } from "./reports";

test("a report is named in the link with its project", () => {
  for (const one of [
    { name: "paper", project: null },
    { name: "a:b/c", project: "lab/vision" },
  ]) {
    expect(whichOf(keyOf(one))).toEqual(one);
  }
  expect([whichOf(""), whichOf("lab:"), whichOf("paper")]).toEqual([null, null, null]);
});

test("a name is meant by itself or by a pattern", () => {
  const meant = (pattern: string, ...names: string[]) => names.map((one) => isMeant(one, [pattern]));
  expect(isMeant("anything", [])).toBe(true);
  expect(meant("val/*", "val/a", "val/", "val", "xval/a")).toEqual([true, true, false, false]);
  expect(meant("*a*a", "aa", "a", "baca", "aab")).toEqual([true, false, true, false]);
  expect(meant("a.b[1]?", "a.b[1]?", "axb1x")).toEqual([true, false]);
});

test("a block says what its tab shows", () => {
  const shows = { tab: "analysis", plot: "boxes", result: "metrics.a.max" };
  const block = { kind: "plot", shows, plot: { which: "boxes", result: "metrics.a.max", setting: "params.lr", axes: [] } } as never;
  expect(stateOf(block)).toMatchObject({ tab: "analysis", plot: "boxes", result: "metrics.a.max", setting: "params.lr", at: "" });
  const marked = { kind: "plot", shows: {}, plot: { which: "parallel", axes: ["a", "b"], brush: { a: "0..1" } } } as never;
  expect(stateOf(marked)).toMatchObject({ axes: ["a", "b"], brush: { a: "0..1" } });
  const held = { kind: "plot", shows: {}, plot: { which: "tables", against: "3@k7", key: ["id"] } } as never;
  expect(stateOf(held)).toMatchObject({ against: "3@k7", key: ["id"] });
  const media = { kind: "media", shows: { tab: "media" }, media: { names: [], step: 0 } } as never;
  expect(stateOf(media)).toMatchObject({ tab: "media", at: "0" });
  const named = { kind: "plot", ids: ["a"], filter: "id in ('a')", shows: {}, plot: { which: "scatter" } } as never;
  expect(stateOf(named)).toMatchObject({ filter: "id in ('a')", archived: true, reproductions: true });
});
