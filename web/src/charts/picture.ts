/** What a chart shows, in the terms of `plots/chart.py`: what `anew plot` draws from too. The server writes it as a program. Pure. */

import type { Curve, GroupCurve, PanelData } from "./curves";
import { inside } from "./curves";
import type { XKind } from "./frame";
import type { Range } from "./scale";

/** A number as JSON has it: null for NaN, a word for an infinity. */
export type Written = number | null | "inf" | "-inf";

export function written(values: ArrayLike<number>, first = 0, stop = values.length, by = 0): Written[] {
  const found: Written[] = [];
  const short = values instanceof Float32Array; // 0.1 came as 0.10000000149011612
  for (let at = first; at < stop; at += 1) {
    const given = values[at] as number;
    const value = (short && given - given === 0 ? Number(given.toPrecision(7)) : given) + by;
    found.push(value !== value ? null : value === Infinity ? "inf" : value === -Infinity ? "-inf" : value);
  }
  return found;
}

export interface CurvePicture {
  readonly name: string;
  readonly x: readonly Written[];
  readonly y: readonly Written[];
  readonly color: string;
  readonly width: number;
  readonly dash: readonly number[];
  readonly low: readonly Written[] | null;
  readonly high: readonly Written[] | null;
}

export interface ChartPicture {
  readonly kind: "curves";
  readonly title: string;
  readonly x: XKind;
  readonly x_name: string;
  readonly y_name: string;
  readonly log_x: boolean;
  readonly log_y: boolean;
  readonly x_range: Range | null;
  readonly y_range: Range | null;
  readonly remark: string;
  readonly curves: readonly CurvePicture[];
}

export interface CurvesLook {
  readonly title: string;
  readonly x: XKind;
  /** The metric that runs along, where one does. */
  readonly xName: string;
  readonly yName: string;
  readonly xLog: boolean;
  readonly yLog: boolean;
  readonly zoom: Range | null;
  readonly yZoom: Range | null;
  readonly band: boolean;
  name(one: Curve | GroupCurve): string;
  /** The colour on paper, as `#rrggbb`. */
  colour(one: Curve | GroupCurve): string;
  dash(one: Curve | GroupCurve): readonly number[];
}

/** The curves of a panel; null where lines are counted instead. */
export function curvesPicture(data: PanelData, look: CurvesLook): ChartPicture | null {
  if (data.density) return null;
  const range = look.zoom ?? data.range ?? ([0, 0] as const);
  const by = look.x === "step" ? Number(data.origin) : 0;
  const all: readonly (Curve | GroupCurve)[] = data.groups.length ? data.groups : data.curves;
  const curves = all.flatMap((one): CurvePicture[] => {
    const group = "middle" in one;
    const [first, stop] = inside(one.x, range);
    if (stop <= first) return [];
    const band = look.band && (group || !one.exact);
    return [
      {
        name: look.name(one),
        x: written(one.x, first, stop, by),
        y: written(group ? one.middle : one.line, first, stop),
        color: look.colour(one),
        width: 1.5,
        dash: look.dash(one),
        low: band ? written(one.low, first, stop) : null,
        high: band ? written(one.high, first, stop) : null,
      },
    ];
  });
  if (!curves.length) return null;
  const moved = (part: Range | null): Range | null => part && [part[0] + by, part[1] + by];
  return { kind: "curves", title: look.title, x: look.x, x_name: look.x === "metric" ? look.xName : "", y_name: look.yName, log_x: look.xLog, log_y: look.yLog, x_range: moved(look.zoom), y_range: look.yZoom, remark: "", curves };
}
