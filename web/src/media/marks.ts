/** What was marked in pictures: boxes, and masks whose pixels are the numbers of classes. Pure. */

type Json = Readonly<Record<string, unknown>>;

/** A box in shares of the picture's size. */
export interface Box {
  readonly label: string;
  /** What is written at it besides: its caption, or its scores. */
  readonly said: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

const MOST = 2000; // boxes of one picture

function json(given: unknown): Json {
  return typeof given === "object" && given !== null && !Array.isArray(given) ? (given as Json) : {};
}

function numbers(given: unknown, count: number): number[] | null {
  return Array.isArray(given) && given.length === count && given.every((one) => typeof one === "number" && Number.isFinite(one)) ? given : null;
}

/** The names of classes by their numbers: of an image that has them, or of a mask as code written for W&B logs it. */
export function labelsOf(metadata: unknown): ReadonlyMap<number, string> {
  const given = json(metadata);
  const theirs = json(given.wandb);
  const found = new Map<number, string>();
  for (const [number, label] of Object.entries({ ...json(theirs.class_labels), ...json(given.classes) })) {
    if (/^\d+$/.test(number)) found.set(Number(number), String(label));
  }
  return found;
}

/** The boxes of a picture. Those in pixels are of the size that the metadata say. */
export function boxesOf(metadata: unknown): readonly Box[] {
  const given = json(metadata);
  const [across, down] = [Number(given.width) || 1, Number(given.height) || 1];
  const found: Box[] = [];
  for (const one of Array.isArray(given.boxes) ? given.boxes : []) {
    const box = numbers(json(one).box, 4);
    if (box) found.push(boxOf(String(json(one).class ?? "box"), said(json(one)), [box[0] as number, box[1] as number, box[2] as number, box[3] as number], across, down));
  }
  for (const layer of Object.values(json(json(given.wandb).boxes))) {
    const labels = json(json(layer).class_labels);
    const data = json(layer).box_data;
    for (const one of Array.isArray(data) ? data : []) {
      const edges = edgesOf(json(json(one).position));
      if (!edges) continue;
      const pixels = json(one).domain === "pixel";
      const number = String(json(one).class_id ?? "");
      found.push(boxOf(String(labels[number] ?? (number && `class ${number}`)) || "box", said(json(one)), edges, pixels ? across : 1, pixels ? down : 1));
    }
  }
  return found.slice(0, MOST);
}

type Edges = readonly [number, number, number, number];

/** Left, top, right and bottom, of either way in which W&B has them. */
function edgesOf(position: Json): Edges | null {
  const edges = numbers([position.minX, position.minY, position.maxX, position.maxY], 4);
  if (edges) return edges as unknown as Edges;
  const middle = numbers(position.middle, 2);
  const size = numbers([position.width, position.height], 2);
  if (!middle || !size) return null;
  const [x = 0, y = 0] = middle;
  const [width = 0, height = 0] = size;
  return [x - width / 2, y - height / 2, x + width / 2, y + height / 2];
}

function boxOf(label: string, said: string, [left, top, right, bottom]: Edges, across: number, down: number): Box {
  return { label, said, x: left / across, y: top / down, width: Math.max(0, right - left) / across, height: Math.max(0, bottom - top) / down };
}

function said(one: Json): string {
  const caption = one.box_caption ?? one.caption;
  if (typeof caption === "string") return caption;
  const scores = typeof one.score === "number" ? { score: one.score } : json(one.scores);
  return Object.entries(scores)
    .filter(([, value]) => typeof value === "number")
    .map(([name, value]) => `${name} ${Number((value as number).toPrecision(3))}`)
    .join(", ");
}

/** The name of the image that a mask lies over; null for what is none. */
export function maskedBy(name: string): string | null {
  return /^(.+)\/masks\/[^/]+$/.exec(name)?.[1] ?? null;
}

/**
 * Which of the masks of one name and place lies over a picture, of which there are several there; null for none. Pictures say which masks
 * they have, where some have one and others do not; else there is one for each.
 */
export function maskOver(metadata: readonly unknown[], first: number, at: number, mask: string): number | null {
  const named = (one: number) => json(json(metadata[one]).wandb).masks;
  const every = Array.from({ length: at - first + 1 }, (_, nth) => named(first + nth));
  const has = (given: unknown) => Array.isArray(given) && given.includes(mask);
  if (!metadata.some((_, one) => Array.isArray(named(one)))) return at - first;
  return has(every.at(-1)) ? every.slice(0, -1).filter(has).length : null;
}

/** What a pixel of a mask is of; null for what is of no class: 0 without a name is what was not marked. */
export function labelOf(value: number, labels: ReadonlyMap<number, string>): string | null {
  return labels.get(value) ?? (value === 0 ? null : `class ${value}`);
}

/** The pixels of a mask in the colours of its classes: of each value, red, green, blue and how strong; null for nothing. */
export function painted(values: Uint8Array, colours: readonly (readonly [number, number, number] | null)[], strength: number): Uint8ClampedArray<ArrayBuffer> {
  const found = new Uint8ClampedArray(new ArrayBuffer(values.length * 4));
  const words = new Uint32Array(found.buffer);
  const little = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;
  const alpha = Math.round(255 * strength);
  const table = new Uint32Array(256);
  colours.forEach((one, value) => {
    if (one === null) return;
    const [red, green, blue] = one;
    table[value] = little ? red | (green << 8) | (blue << 16) | (alpha << 24) : (red << 24) | (green << 16) | (blue << 8) | alpha;
  });
  for (let at = 0; at < values.length; at += 1) words[at] = table[values[at] as number] as number;
  return found;
}
