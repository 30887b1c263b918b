/** What a panel shows, and what it leaves out, in a line. Pure. */

import { plural, spaced } from "../numbers";
import type { PanelData } from "./curves";

export interface StatusGiven {
  readonly data: PanelData;
  /** How many experiments the page shows, and how many of them this panel was asked for. */
  readonly experiments: number;
  readonly asked: number;
  readonly hidden: number;
  readonly xLog: boolean;
  readonly yLog: boolean;
  readonly xMetric: string;
  readonly robust: boolean;
  readonly smooth: number;
  readonly zoomed: boolean;
  /** How many of very many stand out. */
  readonly best: number;
  /** What curves are drawn as the difference to, and how many points have none; null for how many where it has no curve itself. */
  readonly baseline?: { readonly name: string; readonly beyond: number | null } | "";
}

export interface Said {
  readonly text: string;
  /** Whether it tells of something that is not shown. */
  readonly warns: boolean;
}

/** The parts of the line, in order. */
export function status(given: StatusGiven): Said[] {
  const { data } = given;
  const { totals } = data;
  const said: Said[] = [];
  const say = (text: string, warns = false) => said.push({ text, warns });
  const drawn = data.density?.series ?? new Set(data.curves.map((one) => one.id)).size;
  if (data.groups.length) {
    const members = data.groups.reduce((sum, one) => sum + one.members, 0);
    say(`${plural(members, "experiment")} in ${plural(data.groups.length, "group")}`);
  } else say(`${spaced(drawn)} of ${spaced(given.asked - given.hidden)}`);
  if (given.asked < given.experiments) say(`the first ${spaced(given.asked)} of ${spaced(given.experiments)} experiments`, true);
  say(points(data.groups.length ? data.groups.reduce((sum, one) => sum + one.points, 0) : totals.inside));
  if (data.groups.length) say(data.groupsExact ? "exact" : "mean of each member in each bucket");
  else if (given.smooth > 0) say(`smoothed on all points`);
  else if (data.density) say("density of all lines");
  else say(data.exact ? "exact" : "min–max of all points");
  if (given.baseline) {
    const { name, beyond } = given.baseline;
    if (beyond === null) say(data.density ? "a density has no baseline" : `no difference: ${name} is not drawn here`, true);
    else say(`less ${name}`);
    if (beyond) say(`${plural(beyond, "point")} where ${name} has no value`, true);
  }
  if (given.best) say(`the best ${given.best} stand out`);
  if (data.density) say("group them, or filter, to tell lines apart");
  if (totals.nan) say(`${spaced(totals.nan)} NaN`);
  if (totals.infinite) say(`${spaced(totals.infinite)} infinite`);
  if (given.yLog && totals.notPositive) say(`log axis hides ${spaced(totals.notPositive)} ≤ 0`, true);
  if (totals.unplaced) {
    const positive = given.xLog ? " above 0" : "";
    const why = given.xMetric ? `without ${given.xMetric}${positive} at their step` : "≤ 0 on the log axis of x";
    say(`${spaced(totals.unplaced)} ${why}`, true);
  }
  if (given.robust && data.robust) say("axis of the middle 98 %", true);
  if (data.leftOut.length) say(`${spaced(data.leftOut.length)} could not be read`, true);
  return said;
}

function points(count: number): string {
  if (count < 1e6) return plural(count, "point");
  return `${(count / 1e6).toFixed(2)} M points`;
}
