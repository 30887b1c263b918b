import { expect, test } from "vitest";
import { threadsOf } from "./threads";

test("answers follow what they answer, and begin a thread where that is gone", () => {
  const said = [{ id: "a" }, { id: "b", reply_to: "a" }, { id: "c", reply_to: "gone" }, { id: "d", reply_to: "b" }, { id: "e", reply_to: null }];
  expect(threadsOf(said).map((one) => [one.first.id, one.answers.map((each) => each.id)])).toEqual([
    ["a", ["b", "d"]],
    ["c", []],
    ["e", []],
  ]);
});
