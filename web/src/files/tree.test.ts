import { expect, test } from "vitest";
import { fileTree } from "./tree";

const file = (prefix: string, name: string, time = 0, size = 10) =>
  ({ id: `${prefix}${name}${time}`, prefix, name, path: `files/${name}`, size, hash: "", step: null, time }) as never;

const FILES = [
  file("models", "w10.pt"), file("models", "w9.pt", 1), file("models", "w9.pt", 2, 30), file("models/old", "a"), file("", "notes.md"),
];

test("files lie in folders, counted and added up, and names are sorted by their numbers", () => {
  const lines = fileTree(FILES);
  expect(lines.map((one) => [one.path, one.depth, one.count, one.bytes])).toEqual([
    ["models", 0, 3, 50],
    ["models/old", 1, 1, 10],
    ["models/old/a", 2, 1, 10],
    ["models/w9.pt", 1, 1, 30],
    ["models/w10.pt", 1, 1, 10],
    ["notes.md", 0, 1, 10],
  ]);
});

test("a file that was saved again is one line with its versions, the newest first", () => {
  const line = fileTree(FILES).find((one) => one.label === "w9.pt");
  expect(line?.versions.map((one) => one.time)).toEqual([2, 1]);
});

test("closed folders hide what is in them, and a search opens them", () => {
  expect(fileTree(FILES, { closed: new Set(["models"]) }).map((one) => one.path)).toEqual(["models", "notes.md"]);
  expect(fileTree(FILES, { closed: new Set(["models"]), search: "W9" }).map((one) => one.path)).toEqual(["models", "models/w9.pt"]);
});

test("names that lead nowhere are names", () => {
  expect(fileTree([file("..", "..")]).map((one) => one.path)).toEqual(["..", "../.."]);
  expect(fileTree([file("", "__proto__")])).toHaveLength(1);
});
