import { expect, it } from "vitest";
import { commonPart } from "./names";

it.each([
  [["resnet50-imagenet-lr0.1", "resnet50-imagenet-lr0.3"], 18],
  [["lr0.1-a", "lr0.1-b"], 0],
  [["one-long-name-alone"], 0],
  [["same-long-name-here", "same-long-name-here"], 15],
  [[], 0],
])("%j have %d characters in common that are worth leaving out", (names, length) => {
  expect(commonPart(names)).toBe(length);
});
