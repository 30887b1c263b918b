import { describe, expect, test } from "vitest";
import { readState, USUAL, writeState, type LinkState } from "../state";
import { changeOf, isShown, showsOf } from "./saved";

const STATE: LinkState = {
  ...USUAL,
  filter: "status == 'completed'",
  project: "lab/vision",
  columns: ["name", "metrics.loss"],
  widths: { name: "120" },
  yLog: true,
  smooth: 0.6,
  band: "sd",
  selected: ["a"],
  view: "overview",
  panels: [{ name: "Loss", panels: [{ metric: "loss", wide: 2 }, { metric: "*", wide: 1 }] }],
};

describe("a saved view", () => {
  test("holds what is not as usual, but for what is marked at the moment", () => {
    expect(showsOf(USUAL)).toEqual({});
    expect(showsOf(STATE)).toEqual({
      filter: "status == 'completed'",
      columns: ["name", "metrics.loss"],
      widths: { name: "120" },
      y_log: true,
      smooth: 0.6,
      band: "sd",
      panels: [{ name: "Loss", panels: [{ metric: "loss", wide: 2 }, "*"] }],
    });
  });

  test("shows the same again, and takes back what another one shows", () => {
    const { change, unknown } = changeOf(JSON.parse(JSON.stringify(showsOf(STATE))));
    expect(unknown).toEqual([]);
    const again = { ...USUAL, sort: ["name"], xLog: true, ...change };
    expect(showsOf(again)).toEqual(showsOf(STATE));
    expect(isShown(again, showsOf(STATE))).toBe(true);
    expect(isShown({ ...again, smooth: 0 }, showsOf(STATE))).toBe(false);
    expect(readState(writeState(again))).toEqual(again);
  });

  test("says which parts are not known or cannot be read", () => {
    const { change, unknown } = changeOf({ filtre: "x", smooth: "much", columns: "name", sort: ["-loss"], project: "lab" });
    expect(unknown).toEqual(["columns", "filtre", "project", "smooth"]);
    expect([change.sort, change.smooth, change.columns]).toEqual([["-loss"], 0, null]);
  });
});
