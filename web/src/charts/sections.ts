/** Which panels there are, in which sections, and in which order. Pure. */

export interface Section {
  readonly name: string;
  readonly metrics: readonly string[];
  /** Whether it begins folded. */
  readonly folded: boolean;
  /** How many columns panels take, where somebody said so. */
  readonly wide?: ReadonlyMap<string, number>;
  /** Whether its panels are small and have one axis of values, to be held against each other. */
  readonly small?: boolean;
}

/** How many names of one pattern make a family that begins folded, such as a gradient for each layer. */
const FAMILY = 24;
const VALIDATION = /^(val|valid|validation|eval|evaluation|test|dev)([/_.-]|$)/i;
const TRAINING = /^(train|training)([/_.-]|$)/i;
/** What is sampled of the machine. */
export const SYSTEM = /^(system|sys)([/_.-]|$)/i;

/**
 * Names by their part before the first `/`, those of validation first, then those of training, then the rest, then the system's.
 *
 * @param first Metrics that stand first in their sections, such as the one that says how good an experiment is.
 */
export function sectionsOf(names: Iterable<string>, first: readonly string[] = []): Section[] {
  const found = new Map<string, string[]>();
  for (const name of names) {
    const section = sectionOf(name);
    const mine = found.get(section);
    if (mine) mine.push(name);
    else found.set(section, [name]);
  }
  const lead = new Map(first.map((name, at) => [name, at]));
  const leads = (name: string) => lead.get(name) ?? first.length;
  const order = (name: string) => (VALIDATION.test(name) ? 0 : TRAINING.test(name) ? 1 : SYSTEM.test(name) ? 3 : 2);
  const natural = new Intl.Collator("en", { numeric: true }).compare;
  const sections = [...found]
    .sort(([a], [b]) => order(a) - order(b) || Number(a === "") - Number(b === "") || natural(a, b))
    .map(([name, metrics]) => ({
      name,
      metrics: metrics.sort((a, b) => leads(a) - leads(b) || natural(a, b)),
      folded: SYSTEM.test(name) || isFamily(metrics),
    }));
  return merged(sections);
}

/** Sections of a panel each are one: `train/loss` and `val/loss` stand beside each other. */
function merged(sections: readonly Section[]): Section[] {
  const open = sections.filter((one) => !one.folded);
  if (open.length < 2 || open.some((one) => one.metrics.length > 1)) return [...sections];
  return [{ name: "metrics", metrics: open.flatMap((one) => one.metrics), folded: false }, ...sections.filter((one) => one.folded)];
}

/** From so many devices of one kind on, what was measured of them stands beside each other. */
const DEVICES = 3;
const OF_DEVICE = /^[^/]+\/([a-z]+)\.(\d+)\.([^.]+)$/i;

/**
 * What is sampled of machines, by what it is of: `system/gpu.0.utilization` is of `gpu.0`. Of many devices, by what was measured:
 * the utilization of all of them in small panels beside each other.
 */
export function machineSections(names: Iterable<string>): Section[] {
  const all = [...names];
  const devices = new Map<string, Set<string>>();
  for (const name of all) {
    const device = OF_DEVICE.exec(name);
    if (device) devices.set(device[1] as string, (devices.get(device[1] as string) ?? new Set()).add(device[2] as string));
  }
  const many = new Set([...devices].filter(([, numbers]) => numbers.size >= DEVICES).map(([kind]) => kind));
  const found = new Map<string, string[]>();
  const small = new Set<string>();
  for (const name of all) {
    const device = OF_DEVICE.exec(name);
    const beside = device && many.has(device[1] as string) ? `${device[1]} ${device[3]}` : "";
    if (beside) small.add(beside);
    const of = beside || /^[^/]+\/(.*?)(?:\.[^.\d][^.]*)?$/.exec(name)?.[1] || "";
    const mine = found.get(of);
    if (mine) mine.push(name);
    else found.set(of, [name]);
  }
  const natural = new Intl.Collator("en", { numeric: true }).compare;
  // How busy they were comes first.
  const first = (name: string) => (small.has(name) ? (name.endsWith(" utilization") ? 0 : 1) : 2);
  return [...found]
    .sort(([a], [b]) => first(a) - first(b) || natural(a, b))
    .map(([name, metrics]) => ({ name, metrics: metrics.sort(natural), folded: false, ...(small.has(name) ? { small: true } : {}) }));
}

/** The section of a metric: what stands before the first `/`, or a word such as `val_`. "" for one by itself. */
export function sectionOf(name: string): string {
  const slash = name.indexOf("/");
  if (slash > 0) return name.slice(0, slash);
  const word = /^(val|valid|validation|eval|test|train|system)[_.-]/i.exec(name);
  return word?.[1]?.toLowerCase() ?? "";
}

/** Whether there are many names that differ in numbers alone, or so many that nobody looks at all of them. */
function isFamily(metrics: readonly string[]): boolean {
  if (metrics.length <= FAMILY) return false;
  const patterns = new Map<string, number>();
  for (const name of metrics) {
    const pattern = name.replace(/\d+/g, "#");
    patterns.set(pattern, (patterns.get(pattern) ?? 0) + 1);
  }
  return metrics.length > 100 || Math.max(...patterns.values()) > FAMILY;
}

/**
 * Whether a name is meant by what was typed: words that it contains, a pattern with `*`, or a regular expression between `/`.
 * Null where that is no regular expression.
 */
export function matcher(typed: string): ((name: string) => boolean) | null {
  const wanted = typed.trim();
  if (!wanted) return () => true;
  const between = /^\/(.+)\/$/.exec(wanted);
  if (between) {
    try {
      const pattern = new RegExp(between[1] as string, "i");
      return (name) => pattern.test(name);
    } catch {
      return null;
    }
  }
  if (/[*?]/.test(wanted)) {
    const pattern = wanted.split(",").map((one) => one.trim().replace(/[.+^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*").replaceAll("?", "."));
    const whole = new RegExp(`^(${pattern.join("|")})$`, "i");
    return (name) => whole.test(name);
  }
  const words = wanted.toLowerCase().split(/\s+/);
  return (name) => words.every((word) => name.toLowerCase().includes(word));
}

/** How many panels stand side by side. */
export function panelsAcross(width: number, gap: number): number {
  return Math.max(1, Math.min(4, Math.floor((width + gap) / (340 + gap))));
}

export const CHART_HEIGHT = 240;

/** How many small panels stand side by side, and how high they are. */
export function smallAcross(width: number, gap: number): number {
  return Math.max(1, Math.min(8, Math.floor((width + gap) / (160 + gap))));
}

export const SMALL_HEIGHT = 110;
