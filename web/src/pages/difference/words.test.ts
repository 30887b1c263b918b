import { describe, expect, test } from "vitest";
import { changeOf, sectionsOf, summaryOf, valueOf } from "./words";

const row = (kind: string, what: string, ...values: unknown[]) =>
  ({ kind, what, values, weight: "likely", text: "", outliers: [] }) as never;
const part = (metric: string, kind: string, step: number | bigint | null) =>
  ({ metric, kind, step, other: 1, a: 0, b: 1, counts: [9, 9] }) as never;

describe("a difference in words", () => {
  test("says where curves part and what differs", () => {
    const rows = [row("config", "optim.lr", 0.001, 0.003), row("package", "numpy", "2.1", "2.2")];
    const parts = [part("acc", "same", null), part("loss", "value", 120)];
    expect(summaryOf(rows, parts, 2)).toBe("Same until step 120, where loss parts. Differs: lr 0.001 → 0.003, numpy 2.1 → 2.2.");
  });

  test("says that nothing differs, and that curves are the same", () => {
    expect(summaryOf([], [part("loss", "same", null)], 2)).toBe("The same in all points of loss. Nothing that was captured differs.");
    expect(summaryOf([], [part("a", "same", null), part("b", "same", null)], 2)).toContain("all 2 metrics");
  });

  test("says nothing of curves that are not known yet, or that are not shared", () => {
    expect(summaryOf([], null, 2)).toBe("Nothing that was captured differs.");
    expect(summaryOf([], [part("loss", "missing", null)], 2)).toContain("no metric in common");
    expect(summaryOf([], [], 2)).toContain("no metrics");
  });

  test("names the first step as such, and steps beyond 2^53 exactly", () => {
    expect(summaryOf([], [part("loss", "value", 0)], 2)).toContain("from the first step");
    expect(summaryOf([], [part("loss", "value", 2n ** 60n)], 2)).toContain("1\u2009152\u2009921\u2009504\u2009606\u2009846\u2009976");
  });

  test("cuts what is long, and counts the rest", () => {
    const rows = Array.from({ length: 9 }, (_, n) => row("config", `k${n}`, n, n + 1));
    expect(summaryOf(rows, null, 2)).toContain("and 5 more");
    expect(summaryOf(rows, null, 3)).toContain("Differs: k0, k1");
  });
});

describe("rows", () => {
  test("stand in sections by how much they could explain", () => {
    const rows = [row("file", "a"), row("config", "lr"), row("code", "train.py"), row("new kind", "x")];
    expect(sectionsOf(rows).map((one) => one.title)).toEqual(["Code", "Configuration", "Files", "Other"]);
  });

  test("read as a change", () => {
    expect(changeOf(row("code", "commit", "a".repeat(40), null))).toBe("commit aaaaaaaaaa → none");
    expect(changeOf(row("config", "odd", { $float: "NaN" }, [1]))).toBe("odd NaN → [1]");
    expect(valueOf(row("file", "w", "blake3:0123456789abcdef"), 0)).toBe("0123456789");
    expect(valueOf(row("command", "arguments", ["python", "a.py"]), 0)).toBe("python a.py");
    expect(valueOf(row("command", "arguments", ["/x/python", "a.py", "1"], ["/x/python", "a.py", "3"]), 1)).toBe("… 3");
    expect(changeOf(row("code", "train.py", null, "diff --git "))).toBe("train.py");
  });
});
