import { expect, it } from "vitest";
import { allButSeed, groupsToTry, isSeed, mostTried } from "./usual";

function telling(experiments: number, fields: Record<string, number>) {
  return {
    experiments,
    headline: null,
    metrics: 0,
    whole: false,
    fields: Object.entries(fields).map(([field, values]) => ({
      field, name: field.replace(/^\w+\./, ""), section: field.split(".")[0] as "params", experiments, values, only: null, better: null,
    })),
  };
}

it.each([["seed", true], ["data.seed", true], ["random_seed", true], ["seeds", false], ["unseed", false]])("%s is a seed: %s", (name, is) => {
  expect(isSeed(name)).toBe(is);
});

it("all settings that differ make groups, but for the seed, each once", () => {
  const told = telling(300, { "params.lr": 3, "params.seed": 100, "params.opt": 1, "config.lr": 3, "tags.team": 2 });
  expect(allButSeed(told)).toEqual(["params.lr"]);
});

it.each([
  [201, { "params.lr": 3, "params.seed": 67 }, ["params.lr"]],
  [200, { "params.lr": 3, "params.seed": 67 }, []],
  [201, { "params.lr": 13, "params.seed": 16 }, []],
  [201, { "params.seed": 201 }, []],
])("of %d experiments with %j these fields are tried: %j", (count, fields, expected) => {
  expect(groupsToTry(telling(count, fields as unknown as Record<string, number>))).toEqual(expected);
});

it("the setting that was tried most is the one with the most values, and of equals the more telling", () => {
  expect(mostTried(telling(8, { "params.opt": 2, "params.lr": 4, "params.wd": 4 }).fields)).toBe("params.lr");
  expect(mostTried([])).toBeUndefined();
});
