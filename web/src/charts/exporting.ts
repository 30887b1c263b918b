/** A chart as a file: exactly what is shown, as vectors, as pixels, as numbers, or as a program that draws it. */

import { link } from "../link.svelte";
import { writeCsv } from "./csv";
import type { PanelData } from "./curves";
import type { XKind } from "./frame";
import type { Drawing } from "./lines";
import type { ChartPicture } from "./picture";
import { asPng, asProgram, asSvg, saved } from "./saving";
import type { Range } from "./scale";
import { source } from "./source.svelte";

export type Format = "svg" | "png" | "csv" | "py";

interface Shown {
  readonly data: PanelData;
  readonly drawing: Drawing;
  readonly width: number;
  readonly height: number;
  readonly title: string;
  readonly dark: boolean;
  readonly zoom: Range | null;
  readonly kind: XKind;
  /** What the values are called: "value", or what they are less. */
  readonly value: string;
  readonly picture: ChartPicture | null;
}

/** Hand a chart to the browser as a file to save. */
export async function exported(format: Format, shown: Shown): Promise<void> {
  const { drawing, width, height, title } = shown;
  let blob: Blob | null;
  if (format === "csv") {
    const text = writeCsv(shown.data, shown.zoom, shown.kind, (id) => source.names.get(id) ?? id, shown.value, shown.kind === "metric" ? link.state.x : shown.kind);
    blob = new Blob([text], { type: "text/csv" });
  } else if (format === "svg") blob = asSvg(drawing.marks, width, height, shown.value === "value" ? title : `${title} ${shown.value}`);
  else if (format === "py") blob = shown.picture && (await asProgram(shown.picture, title));
  else blob = await asPng(drawing.marks, width, height, shown.dark);
  saved(blob, title, format);
}
