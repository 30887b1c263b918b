import { expect, test } from "vitest";
import { changesOf } from "./lines";

const sides = (before: string, after: string) => {
  const pieces = changesOf(before, after);
  const side = (left: string) => pieces.filter((one) => one.kind !== left).map((one) => one.text).join("");
  return [side("added"), side("removed")];
};

test("the pieces make both texts again", () => {
  for (const [a, b] of [["python train.py --lr 1", "python train.py --lr 3 --wide"], ["", "a b"], ["x y", ""], ["a,b,c", "c,b,a"]]) {
    expect(sides(a as string, b as string)).toEqual([a, b]);
  }
});

test("what both have is said once", () => {
  expect(changesOf("run --lr 1 now", "run --lr 3 now").map((one) => [one.kind, one.text])).toEqual([
    ["same", "run --lr "], ["removed", "1"], ["added", "3"], ["same", " now"],
  ]);
});
