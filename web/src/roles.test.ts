import { expect, test } from "vitest";
import { includes, projectOf, roleIn } from "./roles";

const GRANTS = [["~bo", "owner"], ["lab/*", "reader"], ["lab/vision", "reporter"], ["team*/x", "writer"]] as const;

test("a role is that of the project that is looked at", () => {
  const found = ["lab/vision", "lab/vision/runs", "lab/audio", "lab", "other/x", "teams/x", "~bo", "~ana"].map((one) => roleIn(GRANTS, one));
  expect(found).toEqual(["reporter", "reporter", "reader", "reader", "anyone", "writer", "owner", "anyone"]);
});

test("of all projects together, what is one's own counts only where there is nothing else", () => {
  expect(roleIn([["~bo", "owner"], ["lab/*", "reader"]], "")).toBe("reader");
  expect(roleIn([["~bo", "owner"]], "")).toBe("owner");
  expect(roleIn([["*", "maintainer"]], "")).toBe("maintainer");
});

test("the project of an experiment lies above its name", () => {
  expect(["lab/vision/runs/a", "lab/vision/a", "lab/a", "a"].map((one) => projectOf(one, "bo"))).toEqual(["lab/vision", "lab/vision", "lab", "~bo"]);
  expect([includes("owner", "maintainer"), includes("reader", "reporter"), includes("reporter", "reporter")]).toEqual([true, false, true]);
});
