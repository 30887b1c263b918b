/** Marks written as SVG: vectors, with labels as text. Pure. */

import { depth, DOT, FONT_SIZE, inkIn, largest, type Mark, type Theme } from "./marks";

/** A drawing as the text of an SVG file. */
export function writeSvg(marks: readonly Mark[], width: number, height: number, theme: Theme, title = ""): string {
  const clips: string[] = [];
  const body = written(marks, theme, clips);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" ` +
      `font-family="system-ui, sans-serif" font-size="${FONT_SIZE}">`,
    ...(title ? [`<title>${escaped(title)}</title>`] : []),
    ...(clips.length ? [`<defs>${clips.join("")}</defs>`] : []),
    `<rect width="${width}" height="${height}" fill="${theme.paper}"/>`,
    ...body,
    "</svg>",
    "",
  ].join("\n");
}

function written(marks: readonly Mark[], theme: Theme, clips: string[]): string[] {
  return marks.flatMap((mark): string[] => {
    const colour = "colour" in mark ? escaped(inkIn(theme, mark.colour)) : "";
    switch (mark.kind) {
      case "line": {
        const dash = mark.dash.length ? ` stroke-dasharray="${mark.dash.join(" ")}"` : "";
        const alpha = mark.alpha < 1 ? ` stroke-opacity="${short(mark.alpha)}"` : "";
        return [
          `<path d="${line(mark.points)}" fill="none" stroke="${colour}" stroke-width="${mark.width}" ` +
            `stroke-linejoin="bevel"${dash}${alpha}/>`,
        ];
      }
      case "many": {
        const { width, alpha } = mark;
        return written(mark.lines.map((one) => ({ kind: "line", dash: [], ...one, width, alpha })), theme, clips);
      }
      case "density":
        return cells(mark).map(([alpha, path]) => `<path d="${path}" fill="${colour}" fill-opacity="${alpha}"/>`);
      case "band":
        return [`<path d="${band(mark.points)}" fill="${colour}" fill-opacity="${short(mark.alpha)}"/>`];
      case "rules": {
        const dash = mark.dash?.length ? ` stroke-dasharray="${mark.dash.join(" ")}"` : "";
        return [`<path d="${rules(mark.points)}" stroke="${colour}"${dash}/>`];
      }
      case "signs":
        return pairs(mark.points).map(([x, y]) => sign(mark.sign, x, y, colour, mark.radius ?? DOT));
      case "text":
        return [
          `<text x="${short(mark.x)}" y="${short(mark.y)}" text-anchor="${mark.anchor}" fill="${colour}">${escaped(mark.text)}</text>`,
        ];
      case "inside": {
        const { x, y, width, height } = mark.box;
        const id = `inside${clips.length}`;
        clips.push(`<clipPath id="${id}"><rect x="${short(x)}" y="${short(y)}" width="${short(width)}" height="${short(height)}"/></clipPath>`);
        return [`<g clip-path="url(#${id})">`, ...written(mark.marks, theme, clips), "</g>"];
      }
    }
  });
}

/** Cells that lie side by side and are about as dark as one another, as paths by their opacity. */
function cells({ box, columns, rows, counts }: Mark & { kind: "density" }): [string, string][] {
  const most = largest(counts);
  const paths = new Map<string, string>();
  const [wide, high] = [box.width / columns, box.height / rows];
  for (let row = 0; row < rows; row += 1) {
    for (let begin = 0; begin < columns; ) {
      const level = (at: number) => (Math.ceil(16 * depth(counts[row * columns + at] as number, most)) / 16).toFixed(2);
      const alpha = level(begin);
      let end = begin + 1;
      while (end < columns && level(end) === alpha) end += 1;
      if (alpha !== "0.00") {
        const path = `M${short(box.x + begin * wide)} ${short(box.y + row * high)}h${short((end - begin) * wide)}v${short(high)}H${short(box.x + begin * wide)}Z`;
        paths.set(alpha, (paths.get(alpha) ?? "") + path);
      }
      begin = end;
    }
  }
  return [...paths].sort(([a], [b]) => Number(a) - Number(b));
}

function line(points: Float32Array): string {
  let path = "";
  let begun = false;
  for (const [x, y] of pairs(points)) {
    if (Number.isNaN(y)) {
      begun = false;
      continue;
    }
    path += `${begun ? "L" : "M"}${short(x)} ${short(y)}`;
    if (!begun) path += "h.01";
    begun = true;
  }
  return path;
}

function band(points: Float32Array): string {
  let path = "";
  let upper: string[] = [];
  let lower: string[] = [];
  const close = () => {
    if (upper.length) path += `M${upper.join("L")}L${lower.reverse().join("L")}Z`;
    upper = [];
    lower = [];
  };
  for (let at = 0; at + 2 < points.length; at += 3) {
    const [x, high, low] = [points[at], points[at + 1], points[at + 2]] as [number, number, number];
    if (Number.isNaN(high)) close();
    else {
      upper.push(`${short(x)} ${short(high)}`);
      lower.push(`${short(x)} ${short(low)}`);
    }
  }
  close();
  return path;
}

function rules(points: Float32Array): string {
  let path = "";
  for (let at = 0; at + 3 < points.length; at += 4) {
    path += `M${short(points[at])} ${short(points[at + 1])}L${short(points[at + 2])} ${short(points[at + 3])}`;
  }
  return path;
}

function sign(kind: string, x: number, y: number, colour: string, radius: number): string {
  const [a, b] = [short(x), short(y)];
  if (kind === "dot") return `<circle cx="${a}" cy="${b}" r="${short(radius)}" fill="${colour}"/>`;
  if (kind === "nan") return `<path d="M${short(x - 3)} ${short(y - 3)}l6 6m0 -6l-6 6" fill="none" stroke="${colour}" stroke-width="1.5"/>`;
  if (kind === "note") return `<path d="M${a} ${short(y - 3)}l3 -4h3v-8h-12v8h3Z" fill="${colour}"/>`;
  const tip = kind === "up" ? -3.5 : 3.5;
  return `<path d="M${a} ${short(y + tip)}l3.5 ${-2 * tip}h-7Z" fill="${colour}"/>`;
}

function pairs(points: Float32Array): [number, number][] {
  const found: [number, number][] = [];
  for (let at = 0; at + 1 < points.length; at += 2) found.push([points[at] as number, points[at + 1] as number]);
  return found;
}

function short(value: number | undefined): string {
  return String(Math.round((value ?? 0) * 100) / 100);
}

function escaped(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, "\ufffd");
}
