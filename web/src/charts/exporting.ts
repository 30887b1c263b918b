/** A chart as a file: exactly what is shown, as vectors, as pixels or as numbers. */

import { link } from "../link.svelte";
import { draw } from "./canvas";
import { writeCsv } from "./csv";
import type { PanelData } from "./curves";
import type { XKind } from "./frame";
import type { Drawing } from "./lines";
import type { Range } from "./scale";
import { source } from "./source.svelte";
import { writeSvg } from "./svg";
import { themeNow } from "./themes";

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
}

const SHARP = 2;

/** Hand a chart to the browser as a file to save. */
export async function exported(format: "svg" | "png" | "csv", shown: Shown): Promise<void> {
  const { drawing, width, height, title } = shown;
  let blob: Blob | null;
  if (format === "csv") {
    const text = writeCsv(shown.data, shown.zoom, shown.kind, (id) => source.names.get(id) ?? id, shown.value, shown.kind === "metric" ? link.state.x : shown.kind);
    blob = new Blob([text], { type: "text/csv" });
  } else if (format === "svg") {
    blob = new Blob([writeSvg(drawing.marks, width, height, themeNow(false), shown.value === "value" ? title : `${title} ${shown.value}`)], { type: "image/svg+xml" });
  } else {
    const canvas = document.createElement("canvas");
    canvas.width = SHARP * width;
    canvas.height = SHARP * height;
    const context = canvas.getContext("2d");
    if (!context) return;
    context.scale(SHARP, SHARP);
    context.fillStyle = themeNow(shown.dark).paper;
    context.fillRect(0, 0, width, height);
    draw(context, drawing.marks, themeNow(shown.dark));
    blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  }
  if (!blob) return;
  const url = URL.createObjectURL(blob);
  const anchor = document.createElement("a");
  anchor.href = url;
  anchor.download = `${title.replace(/[^\p{L}\p{N}._-]+/gu, "-").replace(/^[.-]+|-+$/g, "") || "chart"}.${format}`;
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
