import { describe, expect, it } from "vitest";
import { declared, endings } from "./trials";

describe("a sweep", () => {
  it("is read from what was captured, whatever that is", () => {
    expect(declared({ method: "bayes", metric: { name: "acc", goal: "maximize" }, run_cap: 40, early_terminate: { type: "median" } })).toEqual({ method: "bayes", metric: "acc", better: "max", cap: 40, stopping: "median" });
    expect(declared({ method: "grid", metric: null, run_cap: "many", early_terminate: [] })).toEqual({ method: "grid", metric: "", better: "min", cap: null, stopping: "" });
    for (const none of [null, undefined, 3, [], {}, { method: 4 }]) expect(declared(none)).toBeNull();
  });

  it("counts the trials that were stopped early by themselves", () => {
    expect([...endings([["cancelled", 3], ["completed", 4], ["failed", 1]], 2)]).toEqual([["completed", 4], ["stopped early", 2], ["cancelled", 1], ["failed", 1]]);
    expect([...endings([["completed", 1]], 0)]).toEqual([["completed", 1]]);
  });
});
