/** Pictures as files: handed to the browser to be saved. */

import { post } from "../api";
import { fileName, handOver } from "../handing";
import { draw } from "./canvas";
import type { Mark } from "./marks";
import { writeSvg } from "./svg";
import { themeNow } from "./themes";

const SHARP = 2;

/** Marks as vectors. */
export function asSvg(marks: readonly Mark[], width: number, height: number, title: string): Blob {
  return new Blob([writeSvg(marks, width, height, themeNow(false), title)], { type: "image/svg+xml" });
}

/** Marks as pixels, twice as many as on the page. */
export async function asPng(marks: readonly Mark[], width: number, height: number, dark: boolean): Promise<Blob | null> {
  const canvas = document.createElement("canvas");
  canvas.width = SHARP * width;
  canvas.height = SHARP * height;
  const context = canvas.getContext("2d");
  if (!context) return null;
  context.scale(SHARP, SHARP);
  context.fillStyle = themeNow(dark).paper;
  context.fillRect(0, 0, width, height);
  draw(context, marks, themeNow(dark));
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

/** A picture as a program of matplotlib, which the server writes. */
export async function asProgram(picture: unknown, title: string): Promise<Blob> {
  const { text } = await post("/api/v1/plot/program", { name: fileName(title, "py", "chart"), picture } as never);
  return new Blob([text], { type: "text/x-python" });
}

/** Have the browser save it. */
export function saved(blob: Blob | null, title: string, ending: string): void {
  handOver(blob, fileName(title, ending, "chart"));
}
