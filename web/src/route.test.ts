import { expect, it } from "vitest";
import { pathOf, routeOf, type Route } from "./route";

const ROUTES: Route[] = [
  { page: "experiments" },
  { page: "experiment", id: "k7q2" },
  { page: "experiment", id: "a/b ü%" },
  { page: "reproduction", id: "k7q2" },
  { page: "difference" },
  { page: "reports" },
];

it.each(ROUTES)("finds the way back to %j", (route) => {
  expect(routeOf(pathOf(route))).toEqual(route);
});

it("says that there is nothing at other addresses", () => {
  for (const path of ["y", "x/a/b", "diff/a", "reports/a", "x/a/reproduction/b"]) expect(routeOf(path).page).toBe("nowhere");
  expect(routeOf("x/%").page).toBe("experiment");
});
