import { describe, expect, it } from "vitest";
import { FIELDS, isShown, joinList, readState, splitList, USUAL, wholeFilter, withShown, writeState, type LinkState } from "./state";

const DIFFERENT: LinkState = {
  ...USUAL,
  filter: "metrics.val/acc > 0.9 and name != 'a&b=c+d'",
  project: "demo/digits",
  archived: true,
  tab: "table",
  sort: ["-metrics.val/acc.max", "name"],
  columns: ["name", 'metrics["a,b\\c"].max'],
  pinned: 2,
  widths: { name: "300", "a:b": "12" },
  selected: ["k7", "k8"],
  eye: { all: false, except: ["k7"] },
  range: [-0.5, 1e9],
  smooth: 0.25,
  band: "sd",
};

describe("the state in the link", () => {
  it("reads back what was written", () => {
    expect(readState(writeState(DIFFERENT))).toEqual(DIFFERENT);
  });

  it("has nothing in it that is as usual", () => {
    expect(writeState(USUAL)).toBe("");
    expect(readState("")).toEqual(USUAL);
  });

  it("can be read by people", () => {
    expect(writeState({ ...USUAL, project: "demo/digits", tab: "table" })).toBe("?in=demo/digits&tab=table");
  });

  it("tells no columns from the usual ones", () => {
    expect(readState(writeState({ ...USUAL, columns: [] })).columns).toEqual([]);
  });

  it("passes over what it does not know", () => {
    expect(readState("?band=nonsense&smooth=x&nobody=1&range=3")).toEqual(USUAL);
  });

  it("has a name of its own for each field", () => {
    const keys = Object.values(FIELDS).map((one) => one.key);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it.each([[["a,b", "c\\", "\\,"]], [["x"]], [[]]])("keeps lists of any texts: %j", (list) => {
    expect(splitList(joinList(list))).toEqual(list);
  });
});

describe("the filter of what is shown", () => {
  it("keeps together what was typed", () => {
    const filter = wholeFilter({ ...USUAL, filter: "a == 1 or b == 2" });
    expect(filter).toBe("(a == 1 or b == 2) and 'archived' not in tags and not (relation == 'reproduces')");
  });

  it("takes a project as a text and not as a pattern", () => {
    const filter = wholeFilter({ ...USUAL, project: "a.b/c'd", archived: true, reproductions: true });
    expect(filter).toBe("prefix =~ '^a\\\\.b/c\\\\\\'d/'");
  });
});

describe("the eye", () => {
  it("opens and closes either way", () => {
    const closed = withShown({ all: true, except: [] }, ["a", "b"], false);
    expect([isShown(closed, "a"), isShown(closed, "c")]).toEqual([false, true]);
    expect(withShown(closed, ["a", "b"], true).except).toEqual([]);
    const few = withShown({ all: false, except: [] }, ["a"], true);
    expect([isShown(few, "a"), isShown(few, "c")]).toEqual([true, false]);
  });
});
