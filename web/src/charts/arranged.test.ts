import { describe, expect, test } from "vitest";
import { arranged, asArranged, movedPanel, readArranged, takeArranged, tellArranged, writeArranged } from "./arranged";
import { layout } from "./layout";
import { sectionsOf } from "./sections";

const SECTIONS = [
  { name: "Loss", panels: [{ metric: "val/loss", wide: 2 }, { metric: "train/loss", wide: 1 }] },
  { name: "a:b;c,d@e\\", panels: [{ metric: "x:y,z;w@2\\", wide: 1 }] },
  { name: "Rest", panels: [{ metric: "*", wide: 1 }] },
  { name: "", panels: [] },
];
const NAMES = ["acc", "train/loss", "val/acc", "val/loss"];

describe("an arrangement of panels", () => {
  test("is read from the link as it was written", () => {
    expect(readArranged(writeArranged(SECTIONS))).toEqual(SECTIONS);
    expect(readArranged("")).toEqual([]);
    expect(readArranged("Loss:loss@9,,b@x")).toEqual([{ name: "Loss", panels: [{ metric: "loss", wide: 4 }, { metric: "b", wide: 1 }] }]);
  });

  test("is read from a document as it was told, and what is none is not taken", () => {
    expect(takeArranged(JSON.parse(JSON.stringify(tellArranged(SECTIONS))))).toEqual(SECTIONS);
    expect(takeArranged([{ name: "Loss", panels: ["a"] }])).toEqual([{ name: "Loss", panels: [{ metric: "a", wide: 1 }] }]);
    for (const wrong of ["x", [{ name: 1, panels: [] }], [{ name: "x" }], [{ name: "x", panels: [3] }], [null]]) expect(takeArranged(wrong)).toBeUndefined();
  });

  test("places each metric once: by name before by pattern, and only those that there are", () => {
    const found = arranged(SECTIONS, NAMES);
    expect(found.map((one) => one.metrics)).toEqual([["val/loss", "train/loss"], [], ["acc", "val/acc"], []]);
    expect(found[0]?.wide?.get("val/loss")).toBe(2);
  });

  test("begins as the page shows them", () => {
    expect(asArranged(sectionsOf(NAMES)).flatMap((one) => one.panels.map((panel) => panel.metric)).sort()).toEqual(NAMES);
  });

  test("has a panel moved to another place", () => {
    const moved = movedPanel(SECTIONS, "train/loss", 2, 0);
    expect(moved.map((one) => one.panels.map((panel) => panel.metric))).toEqual([["val/loss"], ["x:y,z;w@2\\"], ["train/loss", "*"], []]);
    expect(movedPanel(moved, "train/loss", 0, 0)[0]?.panels.map((panel) => panel.metric)).toEqual(["train/loss", "val/loss"]);
  });

  test("gives wide panels the columns that they take, and never more than there are", () => {
    const rows = layout(arranged([{ name: "s", panels: [{ metric: "acc", wide: 2 }, { metric: "train/loss", wide: 2 }, { metric: "val/acc", wide: 4 }, { metric: "val/loss", wide: 1 }] }], NAMES), null, 3, 240);
    const panels = rows.filter((row) => row.kind === "panels").map((row) => row.panels.map((one) => [one.metric, one.span]));
    expect(panels).toEqual([[["acc", 2]], [["train/loss", 2]], [["val/acc", 3]], [["val/loss", 1]]]);
  });
});
