import { describe, expect, it } from "vitest";
import { apartFrom, groupsApartFrom, membersApartFrom } from "./apart";
import { NOTHING, type Curve, type GroupCurve, type PanelData } from "./curves";

function curve(id: string, x: number[], line: number[], more: Partial<Curve> = {}): Curve {
  const value = Float64Array.from(line);
  return {
    key: id, id, metric: "m", attempt: null, group: -1, exact: true, x: Float64Array.from(x), low: value, high: value, line: value,
    nonfinite: null, points: x.length, ...more,
  };
}

function panel(...curves: Curve[]): PanelData {
  return { ...NOTHING, curves, range: [0, 10] };
}

describe("the difference to a baseline", () => {
  it("is that of the values at one place, and 0 for the baseline itself", () => {
    const found = apartFrom(panel(curve("a", [0, 1, 2], [1, 2, 3]), curve("b", [0, 1, 2], [2, 2, 5])), "a");
    expect(found?.data.curves.map((one) => [...one.line])).toEqual([[0, 0, 0], [1, 0, 2]]);
    expect(found?.beyond).toBe(0);
  });

  it("takes the baseline as straight between its points, and has none outside of them", () => {
    const found = apartFrom(panel(curve("a", [0, 4], [0, 8]), curve("b", [0, 1, 4, 5], [1, 1, 1, 1])), "a");
    expect([...(found?.data.curves[1]?.x ?? [])]).toEqual([0, 1, 4]);
    expect([...(found?.data.curves[1]?.line ?? [])]).toEqual([1, -1, -7]);
    expect(found?.beyond).toBe(1);
  });

  it("has no value where the baseline is not finite", () => {
    const found = apartFrom(panel(curve("a", [0, 1, 2], [0, NaN, 2]), curve("b", [0, 1, 2], [1, 1, 1])), "a");
    expect([...(found?.data.curves[1]?.x ?? [])]).toEqual([0, 2]);
  });

  it("takes the last of several points at one place", () => {
    const found = apartFrom(panel(curve("a", [0, 0, 1], [5, 1, 1]), curve("b", [0, 1], [1, 1])), "a");
    expect([...(found?.data.curves[1]?.line ?? [])]).toEqual([0, 0]);
  });

  it("of buckets is a band that holds every difference their points can have", () => {
    const of = (low: number, high: number) => ({ exact: false, low: Float64Array.of(low), high: Float64Array.of(high) });
    const found = apartFrom(panel(curve("a", [1], [2], of(1, 3)), curve("b", [1], [5], of(4, 9))), "a");
    const made = found?.data.curves[1];
    expect([made?.low[0], made?.line[0], made?.high[0]]).toEqual([1, 3, 8]);
  });

  it("is none where the baseline has no curve", () => {
    expect(apartFrom(panel(curve("b", [0], [1])), "a")).toBeNull();
  });
});

describe("the difference to a group", () => {
  const x = Float64Array.of(0, 1, 2, 3);
  const group = (key: string, middle: number[], count: number[]): GroupCurve => ({
    key, values: [key], members: 2, points: 8, ids: [key], x, middle: Float64Array.from(middle), low: Float64Array.from(middle, (one) => one - 1),
    high: Float64Array.from(middle, (one) => one + 1), count: Float64Array.from(count),
  });
  const groups = [group("a", [1, 9, 5, 7], [2, 0, 2, 0]), group("b", [2, 2, 2, 2], [2, 2, 2, 2])];

  it("is that to its middle, straight between its places, for the middle and both edges of each band", () => {
    const found = groupsApartFrom({ ...panel(), groups }, groups, "a");
    expect([...(found?.data.groups[1]?.middle ?? [])]).toEqual([1, -1, -3, Number.NaN]);
    expect([...(found?.data.groups[1]?.low ?? [])]).toEqual([0, -2, -4, Number.NaN]);
    expect([...(found?.data.groups[1]?.count ?? [])]).toEqual([2, 2, 2, 0]);
    expect(found?.beyond).toBe(1);
    expect(groupsApartFrom({ ...panel(), groups }, groups, "c")).toBeNull();
  });

  it("is the same for the members of a group", () => {
    const found = membersApartFrom(panel(curve("m", [0, 1], [5, 5])), groups, "a");
    expect([...(found.curves[0]?.line ?? [])]).toEqual([4, 2]);
  });
});
