import { expect, test } from "vitest";
import { keyOf, whichOf } from "./reports";

test("a report is named in the link with its project", () => {
  for (const one of [
    { name: "paper", project: null },
    { name: "a:b/c", project: "lab/vision" },
  ]) {
    expect(whichOf(keyOf(one))).toEqual(one);
  }
  expect([whichOf(""), whichOf("lab:"), whichOf("paper")]).toEqual([null, null, null]);
});
