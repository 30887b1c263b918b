/** What the page draws of a figure of plotly: lines, points, bars, histograms and heat maps. Pure. */

export interface Series {
  readonly kind: "line" | "points" | "both" | "bars";
  readonly name: string;
  readonly x: readonly number[];
  readonly y: readonly number[];
}

export interface Heat {
  readonly kind: "heat";
  readonly name: string;
  /** Rows from the lowest up. */
  readonly z: readonly (readonly number[])[];
}

export interface Chart {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly series: readonly Series[];
  readonly heat: Heat | null;
  /** The names of the places along x, where these are not numbers. */
  readonly places: readonly string[];
  /** What is in the figure and not drawn. */
  readonly left: readonly string[];
}

/** Points of one series beyond which a figure is offered as a file alone. */
const MOST = 20_000;
const BINS = 40;

type Json = Readonly<Record<string, unknown>>;
type Typed = { readonly [dtype: string]: new (buffer: ArrayBuffer) => ArrayLike<number> };
const ARRAYS: Typed = {
  i1: Int8Array, u1: Uint8Array, i2: Int16Array, u2: Uint16Array, i4: Int32Array, u4: Uint32Array, f4: Float32Array, f8: Float64Array,
};

/** The chart of a figure; null for what is none, or has nothing that can be drawn. */
export function chartOf(figure: unknown): Chart | null {
  const data = (figure as Json | null)?.data;
  if (!Array.isArray(data)) return null;
  const layout = ((figure as Json).layout ?? {}) as Json;
  const traces = data.filter((one): one is Json => typeof one === "object" && one !== null);
  const places = placesOf(traces);
  const series: Series[] = [];
  const left: string[] = [];
  let heat: Heat | null = null;
  traces.forEach((trace, at) => {
    const name = typeof trace.name === "string" ? trace.name : `series ${at + 1}`;
    const type = typeof trace.type === "string" ? trace.type : "scatter";
    const found = type === "heatmap" || type === "histogram" ? null : pointsOf(trace, places);
    if (type === "heatmap" && heat === null) heat = heatOf(trace, name);
    else if (type === "histogram") series.push(binned(numbers(trace.x ?? trace.y), name));
    else if (found && found.x.length <= MOST && type === "bar") series.push({ kind: "bars", name, ...found });
    else if (found && found.x.length <= MOST && (type === "scatter" || type === "scattergl")) series.push({ kind: modeOf(trace, found.x.length), name, ...found });
    else left.push(type);
  });
  if (!series.length && heat === null) return null;
  return { title: titleOf(layout), x: titleOf(layout.xaxis), y: titleOf(layout.yaxis), series, heat, places, left };
}

function titleOf(of: unknown): string {
  const title = (of as Json | undefined)?.title;
  const text = typeof title === "string" ? title : (title as Json | undefined)?.text;
  return typeof text === "string" ? text.replace(/<[^>]*>/g, " ").trim() : "";
}

function modeOf(trace: Json, count: number): Series["kind"] {
  const mode = typeof trace.mode === "string" ? trace.mode : count <= 20 ? "lines+markers" : "lines";
  const [line, points] = [mode.includes("lines"), mode.includes("markers")];
  return line && points ? "both" : points ? "points" : "line";
}

/** The texts that stand along x, in the order in which they come first. */
function placesOf(traces: readonly Json[]): string[] {
  const every = traces.flatMap((one) => (Array.isArray(one.x) && one.type !== "histogram" ? one.x : []));
  return every.some((one) => typeof one === "string") ? [...new Set(every.map(String))] : [];
}

function pointsOf(trace: Json, places: readonly string[]): { x: number[]; y: number[] } | null {
  const y = numbers(trace.y);
  if (!y.length) return null;
  const at = new Map(places.map((one, place) => [one, place]));
  const x = places.length && Array.isArray(trace.x) ? trace.x.map((one) => at.get(String(one)) ?? Number.NaN) : trace.x === undefined ? y.map((_, place) => place) : numbers(trace.x);
  const count = Math.min(x.length, y.length);
  return { x: x.slice(0, count), y: y.slice(0, count) };
}

function heatOf(trace: Json, name: string): Heat | null {
  const shape = typeof (trace.z as Json | undefined)?.shape === "string" ? String((trace.z as Json).shape).split(",").map(Number) : null;
  if (shape?.length === 2) {
    const [rows = 0, across = 0] = shape;
    const all = numbers(trace.z);
    return { kind: "heat", name, z: Array.from({ length: rows }, (_, row) => all.slice(row * across, (row + 1) * across)) };
  }
  if (!Array.isArray(trace.z)) return null;
  return { kind: "heat", name, z: trace.z.map(numbers) };
}

function binned(values: readonly number[], name: string): Series {
  const finite = values.filter(Number.isFinite);
  const low = finite.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const high = finite.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const count = Math.max(1, Math.min(BINS, Math.ceil(Math.sqrt(finite.length))));
  const wide = (high - low) / count || 1;
  const y = new Array<number>(count).fill(0);
  for (const value of finite) {
    const bin = Math.min(count - 1, Math.floor((value - low) / wide));
    y[bin] = (y[bin] ?? 0) + 1;
  }
  return { kind: "bars", name, x: y.map((_, bin) => low + (bin + 0.5) * wide), y };
}

/** A list of numbers, also as plotly packs them: a kind and bytes in base 64. What is no number is NaN. */
export function numbers(given: unknown): number[] {
  if (Array.isArray(given)) return given.map((one) => (typeof one === "number" ? one : typeof one === "string" && one.trim() !== "" ? Number(one) : Number.NaN));
  const { dtype, bdata } = (given ?? {}) as { dtype?: unknown; bdata?: unknown };
  const kind = typeof dtype === "string" ? ARRAYS[dtype.replace(/^[<|]/, "")] : undefined;
  if (kind === undefined || typeof bdata !== "string") return [];
  try {
    const raw = Uint8Array.from(atob(bdata), (one) => one.charCodeAt(0));
    return Array.from(new kind(raw.buffer));
  } catch {
    return [];
  }
}
