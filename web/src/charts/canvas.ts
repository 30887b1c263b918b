/** Marks drawn on a canvas. */

import { depth, DOT, FONT_SIZE, inkIn, largest, type Mark, type Theme } from "./marks";
import { rasterised, rgbOf } from "./raster";

/** Make a canvas as sharp as the screen, clear it, and give what draws on it in CSS pixels. */
export function prepared(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D | null {
  const ratio = window.devicePixelRatio || 1;
  const wide = Math.round(width * ratio);
  const high = Math.round(height * ratio);
  if (canvas.width !== wide || canvas.height !== high) {
    canvas.width = wide;
    canvas.height = high;
  }
  const context = canvas.getContext("2d");
  context?.setTransform(ratio, 0, 0, ratio, 0, 0);
  context?.clearRect(0, 0, width, height);
  return context;
}

/** Draw marks, each over those before it. */
export function draw(context: CanvasRenderingContext2D, marks: readonly Mark[], theme: Theme): void {
  for (const mark of marks) {
    const colour = "colour" in mark ? inkIn(theme, mark.colour) : "";
    switch (mark.kind) {
      case "line":
        context.globalAlpha = mark.alpha;
        context.strokeStyle = colour;
        context.lineWidth = mark.width;
        context.lineJoin = "bevel"; // a mitred join would stand out beyond a spike's value
        context.setLineDash(mark.dash as number[]);
        context.beginPath();
        trace(context, mark.points);
        context.stroke();
        context.setLineDash([]);
        break;
      case "many":
        many(context, mark, theme);
        break;
      case "density":
        cells(context, mark, colour);
        break;
      case "band":
        context.globalAlpha = mark.alpha;
        context.fillStyle = colour;
        context.beginPath();
        outline(context, mark.points);
        context.fill();
        break;
      case "rules": {
        context.globalAlpha = 1;
        context.strokeStyle = colour;
        context.lineWidth = 1;
        context.setLineDash((mark.dash ?? []) as number[]);
        context.beginPath();
        const { points } = mark;
        for (let at = 0; at + 3 < points.length; at += 4) {
          context.moveTo(points[at] as number, points[at + 1] as number);
          context.lineTo(points[at + 2] as number, points[at + 3] as number);
        }
        context.stroke();
        context.setLineDash([]);
        break;
      }
      case "signs":
        context.globalAlpha = 1;
        context.fillStyle = colour;
        context.strokeStyle = colour;
        context.lineWidth = 1.5;
        signs(context, mark.sign, mark.points, mark.radius ?? DOT);
        break;
      case "text":
        context.globalAlpha = 1;
        context.fillStyle = colour;
        context.font = `${FONT_SIZE}px system-ui, sans-serif`;
        context.textAlign = mark.anchor === "middle" ? "center" : mark.anchor;
        context.textBaseline = "alphabetic";
        context.fillText(mark.text, mark.x, mark.y);
        break;
      case "inside":
        context.save();
        context.beginPath();
        context.rect(mark.box.x, mark.box.y, mark.box.width, mark.box.height);
        context.clip();
        draw(context, mark.marks, theme);
        context.restore();
        break;
    }
  }
  context.globalAlpha = 1;
}

/** Where very many lines become pixels: panels of one size share it, and no frame makes another. */
let layer: { readonly canvas: HTMLCanvasElement; readonly context: CanvasRenderingContext2D | null; readonly image: ImageData } | null = null;

/** Lay the pixels of very many lines over what is there. */
function many(context: CanvasRenderingContext2D, mark: Mark & { kind: "many" }, theme: Theme): void {
  const ratio = context.getTransform().a;
  const { box } = mark;
  const x = Math.floor(box.x * ratio);
  const y = Math.floor(box.y * ratio);
  const width = Math.ceil((box.x + box.width) * ratio) - x;
  const height = Math.ceil((box.y + box.height) * ratio) - y;
  if (width < 1 || height < 1) return;
  const found = mark.lines.map((one) => ({ points: one.points, colour: rgbOf(inkIn(theme, one.colour)), ...(one.dash ? { dash: one.dash } : {}) }));
  if (!layer || layer.image.width !== width || layer.image.height !== height) {
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    layer = { canvas, context: canvas.getContext("2d"), image: new ImageData(width, height) };
  }
  rasterised(found, { x, y, width, height, ratio }, mark.width, mark.alpha, layer.image.data);
  layer.context?.putImageData(layer.image, 0, 0);
  context.save();
  context.globalAlpha = 1;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.drawImage(layer.canvas, x, y);
  context.restore();
}

/** Lay cells over a box. */
function cells(context: CanvasRenderingContext2D, { box, columns, rows, counts }: Mark & { kind: "density" }, colour: string): void {
  if (!columns || !rows) return;
  const image = new ImageData(columns, rows);
  const most = largest(counts);
  const [red, green, blue] = rgbOf(colour);
  const { data } = image;
  for (let at = 0, to = 0; at < counts.length; at += 1, to += 4) {
    const count = counts[at] as number;
    if (!count) continue;
    data[to] = red;
    data[to + 1] = green;
    data[to + 2] = blue;
    data[to + 3] = 255 * depth(count, most);
  }
  const layer = document.createElement("canvas");
  layer.width = columns;
  layer.height = rows;
  layer.getContext("2d")?.putImageData(image, 0, 0);
  context.save();
  context.globalAlpha = 1;
  context.imageSmoothingEnabled = false;
  context.drawImage(layer, box.x, box.y, box.width, box.height);
  context.restore();
}

function trace(context: CanvasRenderingContext2D, points: Float32Array): void {
  let begun = false;
  for (let at = 0; at + 1 < points.length; at += 2) {
    const x = points[at] as number;
    const y = points[at + 1] as number;
    if (y !== y) begun = false;
    else if (begun) context.lineTo(x, y);
    else {
      context.moveTo(x, y);
      context.lineTo(x + 0.01, y); // a point by itself is seen too
      begun = true;
    }
  }
}

function outline(context: CanvasRenderingContext2D, points: Float32Array): void {
  let first = 0;
  for (let at = 0; at <= points.length; at += 3) {
    const high = points[at + 1];
    if (at < points.length && high === high) continue;
    if (at > first) {
      context.moveTo(points[first] as number, points[first + 1] as number);
      for (let one = first + 3; one < at; one += 3) context.lineTo(points[one] as number, points[one + 1] as number);
      for (let one = at - 3; one >= first; one -= 3) context.lineTo(points[one] as number, points[one + 2] as number);
      context.closePath();
    }
    first = at + 3;
  }
}

function signs(context: CanvasRenderingContext2D, sign: string, points: Float32Array, radius: number): void {
  context.beginPath();
  for (let at = 0; at + 1 < points.length; at += 2) {
    const x = points[at] as number;
    const y = points[at + 1] as number;
    if (sign === "nan") {
      context.moveTo(x - 3, y - 3);
      context.lineTo(x + 3, y + 3);
      context.moveTo(x + 3, y - 3);
      context.lineTo(x - 3, y + 3);
    } else if (sign === "dot") {
      context.moveTo(x + radius, y);
      context.arc(x, y, radius, 0, 2 * Math.PI);
    } else if (sign === "note") {
      context.moveTo(x, y - 3);
      context.lineTo(x + 3, y - 7);
      context.lineTo(x + 6, y - 7);
      context.lineTo(x + 6, y - 15);
      context.lineTo(x - 6, y - 15);
      context.lineTo(x - 6, y - 7);
      context.lineTo(x - 3, y - 7);
      context.closePath();
    } else {
      const tip = sign === "up" ? -3.5 : 3.5;
      context.moveTo(x, y + tip);
      context.lineTo(x + 3.5, y - tip);
      context.lineTo(x - 3.5, y - tip);
      context.closePath();
    }
  }
  if (sign === "nan") context.stroke();
  else context.fill();
}
