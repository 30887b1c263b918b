import { expect, test } from "vitest";
import { badgeOf, toneOf } from "./verdict";

test("a verdict is never better than it is", () => {
  expect(["IDENTICAL", "WITHIN TOLERANCE", "DIVERGED", "NOT COMPARABLE", ""].map(toneOf)).toEqual([
    "good", "good", "bad", "open", "open",
  ]);
});

test("a badge says the verdict and holds nothing else that was given", () => {
  expect(badgeOf("WITHIN TOLERANCE")).toContain("within tolerance");
  expect(badgeOf("<script>x</script>")).not.toContain("<script");
});
