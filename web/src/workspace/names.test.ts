import { expect, it } from "vitest";
import { commonPart, halves } from "./names";

it.each([
  [["resnet50-imagenet-lr0.1", "resnet50-imagenet-lr0.3"], 18],
  [["lr0.1-a", "lr0.1-b"], 0],
  [["one-long-name-alone"], 0],
  [["same-long-name-here", "same-long-name-here"], 15],
  [[], 0],
])("%j have %d characters in common that are worth leaving out", (names, length) => {
  expect(commonPart(names)).toBe(length);
});

it("a long name is cut before its end, and no character is torn apart", () => {
  expect(halves("momentum-lr0.003-w32-s4")).toEqual(["momentum-lr0.00", "3-w32-s4"]);
  expect(halves("sgd-lr0.3-w8")).toBeNull();
  expect(halves(`${"a".repeat(20)}👩‍🚀1234567`)?.[1]).toBe("👩‍🚀1234567");
});
