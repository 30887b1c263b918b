/** The pages besides the workspace, each loaded when it is opened. */

import type { Component } from "svelte";
import type { Route } from "../route";

/** A page is given the route that names it; `link.state` has the rest. */
export type Page = Component<{ route: Route }>;

export const PAGES: Partial<Record<Route["page"], () => Promise<{ default: Page }>>> = {
  experiment: () => import("./experiment/Experiment.svelte"),
  difference: () => import("./difference/Difference.svelte"),
  reports: () => import("./reports/Reports.svelte"),
  reproduction: () => import("./reproduction/Reproduction.svelte"),
};
