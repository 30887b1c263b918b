import { describe, expect, it } from "vitest";
import { completed, conditions, literal, placeAt, withCondition } from "./completion";

/** The place at `|`. */
function at(marked: string) {
  const caret = marked.indexOf("|");
  return placeAt(marked.replace("|", ""), caret);
}

describe("what belongs at the caret", () => {
  it.each([
    ["|", "field", ""],
    ["st|", "field", "st"],
    ["status == 'completed' and l|", "field", "l"],
    ["not (par|", "field", "par"],
    ["metrics.val/acc.m|", "field", "metrics.val/acc.m"],
    ["status |", "operator", ""],
    ["status == 'x' |", "operator", ""],
    ["(lr < 1) a|", "operator", "a"],
    ["status == |", "value", ""],
    ["status == 'comp|", "value", "comp"],
    ["status in ('a', 'b|", "value", "b"],
    ["status not in (|", "value", ""],
    ["params.lr >= 0.0|", "value", "0.0"],
  ])("%s: a %s", (text, kind, typed) => {
    expect(at(text)).toMatchObject({ kind, typed });
  });

  it("knows the field whose values are asked for", () => {
    expect(at("lr < 1 and params.opt == 'ad|").field).toBe("params.opt");
    expect(at('metrics["a b"].max > |').field).toBe('metrics["a b"].max');
    expect(at("status in ('a', |").field).toBe("status");
    expect(at("'x' |").field).toBeNull();
  });

  it("takes the place of the whole word", () => {
    const place = at("sta|tus == 'x'");
    expect(completed("status == 'x'", place, "started_at")).toEqual({ text: "started_at == 'x'", caret: 11 });
  });
});

describe("conditions as chips", () => {
  it.each([
    ["a == 1 and b == 'x and y' and (c == 1 or d == 2)", ["a == 1", "b == 'x and y'", "(c == 1 or d == 2)"]],
    ["a == 1 or b == 2 and c == 3", ["a == 1 or b == 2 and c == 3"]],
    ["a == 'unfinished and", ["a == 'unfinished and"]],
    ["a == 1 and ", ["a == 1"]],
    ["", []],
  ])("%s", (text, chips) => {
    expect(conditions(text)).toEqual(chips);
  });

  it("join with one more without changing what they mean", () => {
    expect(withCondition("", "a == 1")).toBe("a == 1");
    expect(withCondition("a == 1", "b == 2")).toBe("a == 1 and b == 2");
    expect(withCondition("a == 1 or c == 3", "b == 2")).toBe("(a == 1 or c == 3) and b == 2");
  });
});

it("values are written as the filter reads them", () => {
  expect([literal("it's"), literal(0.1), literal(true)]).toEqual(["'it\\'s'", "0.1", "true"]);
});
