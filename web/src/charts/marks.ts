/** What a chart is made of. A chart is a pure function that gives marks; `canvas.ts` draws them and `svg.ts` writes them. */

/** A colour by its part in the theme, or as CSS writes it. */
export type Ink = "ink" | "muted" | "hairline" | "paper" | "warning" | (string & {});

export interface Theme {
  readonly ink: string;
  readonly muted: string;
  readonly hairline: string;
  readonly paper: string;
  readonly warning: string;
}

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export type Mark =
  /** A line through points: x and y by turns; NaN breaks it. */
  | {
      readonly kind: "line";
      readonly points: Float32Array;
      readonly colour: Ink;
      readonly width: number;
      readonly alpha: number;
      readonly dash: readonly number[];
    }
  /** Lines of which no one is told from another, of one width and opacity, seen inside a box: drawn all at once. */
  | {
      readonly kind: "many";
      readonly lines: readonly { readonly points: Float32Array; readonly colour: Ink; readonly dash?: readonly number[] }[];
      readonly box: Box;
      readonly width: number;
      readonly alpha: number;
    }
  /** Cells of a box, row by row: the more lines run through one, the darker it is, and one alone can be seen. */
  | { readonly kind: "density"; readonly box: Box; readonly columns: number; readonly rows: number; readonly counts: ArrayLike<number>; readonly colour: Ink }
  /** A band: x, the upper and the lower edge by turns; NaN breaks it. */
  | { readonly kind: "band"; readonly points: Float32Array; readonly colour: Ink; readonly alpha: number }
  /** Separate straight lines: x, y, x, y of each. */
  | { readonly kind: "rules"; readonly points: Float32Array; readonly colour: Ink; readonly dash?: readonly number[] }
  /** Small signs at points: where a value is no number, or beyond the axis; and dots, whose radius is `DOT` unless they say another. */
  | { readonly kind: "signs"; readonly sign: "nan" | "up" | "down" | "dot" | "note"; readonly points: Float32Array; readonly colour: Ink; readonly radius?: number }
  | {
      readonly kind: "text";
      readonly x: number;
      readonly y: number;
      readonly text: string;
      readonly anchor: "start" | "middle" | "end";
      readonly colour: Ink;
    }
  /** What is drawn only inside a box. */
  | { readonly kind: "inside"; readonly box: Box; readonly marks: readonly Mark[] };

export const FONT_SIZE = 11;
export const DOT = 2.5;
/** How wide a character of a label is, about. */
export const CHARACTER = 6.2;

/** The colour of an ink in a theme. */
export function inkIn(theme: Theme, ink: Ink): string {
  return (theme as unknown as Record<string, string>)[ink] ?? ink;
}

/** How opaque a cell is through which so many lines run, of `most` where most do: a single line is seen beside ten thousand. */
export function depth(count: number, most: number): number {
  return count > 0 ? 0.14 + 0.86 * Math.sqrt(count / most) : 0;
}

/** The largest of some counts; 1 where there is none. */
export function largest(counts: ArrayLike<number>): number {
  let most = 1;
  for (let at = 0; at < counts.length; at += 1) if ((counts[at] as number) > most) most = counts[at] as number;
  return most;
}
