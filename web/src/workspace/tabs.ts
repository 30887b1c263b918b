/** What the right side of the workspace can show: one row for each. The first is shown unless the link names another. */

import type { Component } from "svelte";

export interface Tab {
  /** Its name in the link. */
  readonly id: string;
  readonly title: string;
  /** Whether it has the whole width, without the list at the left. */
  readonly wide?: boolean;
  readonly load: () => Promise<{ default: Component }>;
}

export const TABS: readonly Tab[] = [
  { id: "charts", title: "Charts", load: () => import("../charts/Charts.svelte") },
  { id: "table", title: "Table", wide: true, load: () => import("../table/Table.svelte") },
  { id: "analysis", title: "Analysis", load: () => import("../analysis/Analysis.svelte") },
  { id: "media", title: "Media", load: () => import("../media/Several.svelte") },
  { id: "logs", title: "Logs", load: () => import("../logs/Several.svelte") },
  { id: "system", title: "System", load: () => import("../charts/System.svelte") },
];

/** The tab that the link names, or the first. */
export function tabOf(id: string): Tab {
  return TABS.find((one) => one.id === id) ?? (TABS[0] as Tab);
}

/** How the link names a tab: the first is there unless it names one. */
export function linkOf(tab: Tab): string {
  return tab === TABS[0] ? "" : tab.id;
}
