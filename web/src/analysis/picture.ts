/** What the analysis draws, in the terms of `plots/chart.py`; see `charts/picture.ts`. Pure. */

import { written, type Written } from "../charts/picture";
import { plural } from "../numbers";
import type { Better } from "./front";
import type { Column, Values } from "./values";

interface RulerPicture {
  readonly name: string;
  readonly kind: "linear" | "log" | "text";
  readonly categories: readonly string[];
}

export interface DotsPicture {
  readonly kind: "dots";
  readonly title: string;
  readonly x: RulerPicture;
  readonly y: RulerPicture;
  readonly xs: readonly Written[];
  readonly ys: readonly Written[];
  readonly colors: readonly string[];
  /** The places of those that no other one beats, from the better end of x; and whether that is its lower one. */
  readonly front: readonly number[];
  readonly rising: boolean;
  readonly remark: string;
}

export interface StrandsPicture {
  readonly kind: "strands";
  readonly title: string;
  readonly rulers: readonly RulerPicture[];
  readonly values: readonly (readonly Written[])[];
  readonly colors: readonly string[];
  readonly remark: string;
}

export interface PictureLook {
  readonly logs: readonly string[];
  /** Which are marked; of these alone the picture is. */
  readonly chosen: Uint8Array | null;
  /** The places of those that no other one beats, and which ends are the better ones. */
  readonly front?: readonly number[];
  readonly better?: Better | null;
  title(field: string): string;
  /** The colour of an experiment on paper, as `#rrggbb`. */
  colour(place: number): string;
}

function ruler(column: Column, look: PictureLook): RulerPicture {
  return { name: look.title(column.field), kind: column.labels ? "text" : look.logs.includes(column.field) ? "log" : "linear", categories: column.labels ?? [] };
}

/** Whether an axis has a place for a value. */
function placed(value: number, kind: RulerPicture["kind"]): boolean {
  return value - value === 0 && (kind !== "log" || value > 0);
}

function colours(places: readonly number[], look: PictureLook): string[] {
  const each = places.map((one) => look.colour(one));
  return new Set(each).size === 1 ? each.slice(0, 1) : each;
}

/** A scatter plot of the first two columns; null where none has a place in it. */
export function dotsPicture(values: Values, look: PictureLook): DotsPicture | null {
  const [first, second] = values.columns;
  if (!first || !second) return null;
  const [x, y] = [ruler(first, look), ruler(second, look)];
  const among = Array.from({ length: values.count }, (_, at) => at).filter((at) => !look.chosen || look.chosen[at]);
  const places = among.filter((at) => placed(first.values[at] as number, x.kind));
  if (!places.length) return null;
  const without = among.length - places.length;
  const front = look.front ?? [];
  return {
    kind: "dots",
    title: `${y.name} by ${x.name}`,
    x,
    y,
    xs: written(places.map((at) => first.values[at] as number)),
    ys: written(places.map((at) => (placed(second.values[at] as number, y.kind) ? (second.values[at] as number) : Number.NaN))),
    colors: colours(places, look),
    front: front.map((at) => places.indexOf(at)),
    rising: !look.better?.startsWith("high"),
    remark: without ? `${without} without ${x.name}` : "",
  };
}

/** Parallel axes; null where there are not two. */
export function strandsPicture(values: Values, look: PictureLook): StrandsPicture | null {
  if (values.columns.length < 2) return null;
  const rulers = values.columns.map((one) => ruler(one, look));
  const places = Array.from({ length: values.count }, (_, at) => at).filter((at) => !look.chosen || look.chosen[at]);
  if (!places.length) return null;
  return {
    kind: "strands",
    title: `${rulers.at(-1)?.name} of ${plural(places.length, "experiment")}`,
    rulers,
    values: values.columns.map((column, axis) => written(places.map((at) => (placed(column.values[at] as number, (rulers[axis] as RulerPicture).kind) ? (column.values[at] as number) : Number.NaN)))),
    colors: places.map((one) => look.colour(one)),
    remark: "",
  };
}
