import { expect, test } from "vitest";
import { boxesOf, labelOf, labelsOf, maskedBy, maskOver, painted } from "./marks";

test("boxes are read in shares of the picture, whichever way they were given", () => {
  const theirs = {
    width: 200,
    height: 100,
    wandb: {
      boxes: {
        predictions: {
          class_labels: { "1": "cat" },
          box_data: [
            { position: { minX: 0.1, minY: 0.2, maxX: 0.3, maxY: 0.6 }, class_id: 1, scores: { iou: 0.51234 } },
            { position: { middle: [100, 50], width: 100, height: 50 }, domain: "pixel", class_id: 7, box_caption: "what it is" },
            { position: { minX: "no" } },
          ],
        },
      },
    },
  };
  const found = boxesOf(theirs);
  expect(found.map((one) => [one.label, one.said])).toEqual([["cat", "iou 0.512"], ["class 7", "what it is"]]);
  expect([found[0]?.x, found[0]?.y]).toEqual([0.1, 0.2]);
  expect(found[0]?.width).toBeCloseTo(0.2);
  expect(found[1]).toMatchObject({ x: 0.25, y: 0.25, width: 0.5, height: 0.5 });
  const ours = boxesOf({ width: 10, height: 20, boxes: [{ class: "dog", box: [1, 2, 6, 12], score: 0.9 }, { box: [1] }, 3] });
  expect(ours).toEqual([{ label: "dog", said: "score 0.9", x: 0.1, y: 0.1, width: 0.5, height: 0.5 }]);
  for (const none of [null, 3, [], { boxes: 3 }, { wandb: { boxes: { a: null } } }]) expect(boxesOf(none)).toEqual([]);
});

test("a mask lies over the image that it is named after, and its classes have names", () => {
  expect([maskedBy("seen/masks/truth"), maskedBy("masks/truth"), maskedBy("seen")]).toEqual(["seen", null, null]);
  expect([...labelsOf({ wandb: { class_labels: { "0": "sky", x: "no" } }, classes: { "2": "road" } })]).toEqual([[0, "sky"], [2, "road"]]);
  const labels = new Map([[3, "car"]]);
  expect([0, 3, 9].map((one) => labelOf(one, labels))).toEqual([null, "car", "class 9"]);
});

test("the pixels of a mask have the colours of their classes, and nothing where one is hidden", () => {
  const found = painted(new Uint8Array([0, 1, 2]), [null, [10, 20, 30], null], 0.5);
  expect([...found]).toEqual([0, 0, 0, 0, 10, 20, 30, 128, 0, 0, 0, 0]);
});

test("a mask lies over the picture that it was logged with, though others there have none", () => {
  const some = [null, { wandb: { masks: ["truth"] } }, {}, { wandb: { masks: ["truth", "guess"] } }];
  expect([0, 1, 2, 3].map((at) => maskOver(some, 0, at, "truth"))).toEqual([null, 0, null, 1]);
  expect([0, 1, 2, 3].map((at) => maskOver(some, 0, at, "guess"))).toEqual([null, null, null, 0]);
  expect([4, 5].map((at) => maskOver([null, null, null, null, {}, {}], 4, at, "truth"))).toEqual([0, 1]);
});
