import { describe, expect, it } from "vitest";
import { declared, endings } from "./trials";

describe("a sweep", () => {
  it("is read from what was captured, whatever that is", () => {
    expect(declared({ method: "bayes", metric: { name: "acc", goal: "maximize" }, run_cap: 40, early_terminate: { type: "median" } })).toEqual({ method: "bayes", metric: "acc", better: "max", cap: 40, stopping: "median" });
    expect(declared({ method: "grid", metric: null, run_cap: "many", early_terminate: [] })).toEqual({ method: "grid", metric: "", better: "min", cap: null, stopping: "" });
    for (const none of [null, undefined, 3, [], {}, { method: 4 }]) expect(declared(none)).toBeNull();
  });

  it("counts the trials that were stopped early by themselves", () => {
    const rows = [["cancelled", "stopped early"], ["cancelled", "by hand"], ["completed", null], ["completed", null], ["cancelled", "stopped early"], ["completed", null]].map(([status, reason], at) => ({
      id: String(at),
      cells: new Map([["status", status ?? null], ["reason", reason ?? null]]),
    }));
    expect([...endings(rows)]).toEqual([["completed", 3], ["stopped early", 2], ["cancelled", 1]]);
  });
});
