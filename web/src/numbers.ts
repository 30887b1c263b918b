/** How numbers, times and sizes read: as on the command line (`cli/words.py`). Pure. */

/** A value of an answer as it came: numbers that JSON has none for are texts, integers beyond 2⁵³ are bigints. */
export type Value = string | number | bigint | boolean | null | undefined;

/** How times and sizes read; who looks may prefer another way, see `people/`. */
export const units: { times: "ago" | "date"; sizes: "decimal" | "binary" } = { times: "ago", sizes: "decimal" };

const THIN = "\u2009";

/** A number with about four digits that matter; "" for none. */
export function short(value: number | bigint | null | undefined): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "bigint") return spaced(value);
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e6) return String(value);
  if (size >= 1e-3 && size < 1e5) return String(Number(value.toPrecision(size >= 1 ? 5 : 4)));
  const [digits, power] = value.toExponential(3).split("e");
  const exponent = Number(power);
  return `${digits}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
}

/** A count or a step with thin spaces between thousands. */
export function spaced(value: number | bigint | null | undefined): string {
  if (value === null || value === undefined) return "";
  return String(value).replace(/\B(?=(\d{3})+(?!\d))/g, THIN);
}

/** "1 experiment", "1 204 experiments". */
export function plural(count: number, noun: string): string {
  return `${spaced(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** A length of time in its two largest units: "0.4s", "3m 20s", "2d 4h". */
export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined) return "";
  if (seconds < 0) return `-${duration(-seconds)}`;
  if (seconds < 10) return `${seconds.toFixed(1)}s`;
  const whole = Math.floor(seconds);
  const units = [[86400, 3600, "d", "h"], [3600, 60, "h", "m"], [60, 1, "m", "s"]] as const;
  for (const [large, small, largeName, smallName] of units) {
    if (whole >= large) {
      const rest = Math.floor((whole % large) / small);
      return `${Math.floor(whole / large)}${largeName}${rest ? ` ${rest}${smallName}` : ""}`;
    }
  }
  return `${whole}s`;
}

/** Bytes in decimal units: "980 B", "1.2 MB"; or in those of 1024: "1.1 MiB". */
export function size(count: number): string {
  const binary = units.sizes === "binary";
  const names = binary ? ["B", "KiB", "MiB", "GiB", "TiB"] : ["B", "kB", "MB", "GB", "TB"];
  for (const unit of names) {
    if (Math.abs(count) < 999.5 || unit === names.at(-1)) {
      return `${unit === "B" || Math.abs(count) >= 100 ? count.toFixed(0) : count.toFixed(1)} ${unit}`;
    }
    count /= binary ? 1024 : 1000;
  }
  return "";
}

/** What a metric of the machine counts, as its name ends; null for what is a number alone. */
export type Unit = "bytes" | "bytes a second" | null;

/** The unit of a metric. */
export function unitOf(metric: string): Unit {
  if (!metric.startsWith("system/")) return null;
  return metric.endsWith("bytes_per_s") ? "bytes a second" : metric.endsWith("bytes") ? "bytes" : null;
}

/** A value in its unit. */
export function valued(value: number, unit: Unit): string {
  if (unit === null || !Number.isFinite(value)) return short(value);
  const text = Math.abs(value) < 10 && !Number.isInteger(value) ? `${short(value)} B` : size(value);
  return unit === "bytes" ? text : `${text}/s`;
}

/** How long ago a time was, up to a week; the day before that. Times are seconds since the epoch. */
export function ago(then: number | null | undefined, now: number): string {
  if (then === null || then === undefined) return "";
  const seconds = now - then;
  if (seconds < -60 || units.times === "date") return moment(then);
  if (seconds < 10) return "now";
  if (seconds < 60) return `${Math.floor(seconds)}s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ago`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)}h ago`;
  if (seconds < 86400 * 7) return `${Math.floor(seconds / 86400)}d ago`;
  return moment(then).slice(0, 10);
}

/** A time as date and time of day, in the local zone. */
export function moment(then: number | null | undefined): string {
  if (then === null || then === undefined) return "";
  const date = new Date(then * 1000);
  if (Number.isNaN(date.getTime())) return `${then} s after 1970`;
  const two = (part: number) => String(part).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** A number that an answer gave, where it was sent as a text: "NaN", "Infinity". */
export function numeric(value: Value): number | bigint | null {
  if (typeof value === "number" || typeof value === "bigint") return value;
  if (value === "NaN") return Number.NaN;
  if (value === "Infinity") return Number.POSITIVE_INFINITY;
  if (value === "-Infinity") return Number.NEGATIVE_INFINITY;
  return null;
}

/** What stands of a number after its whole part, such as ".25" of "0.25"; null of what is no number. */
function tailOf(text: string): string | null {
  return /^-?[\d\u2009]+((?:\.\d+)?(?:e[+-]\d+)?)$/.exec(text)?.[1] ?? null;
}

const LONGEST_TAIL = 8;

/** The longest part after the point of numbers that stand below each other; one that is too long for a column does not count. */
export function longestTail(texts: Iterable<string>): string {
  let longest = "";
  for (const one of texts) {
    const tail = tailOf(one);
    if (tail !== null && tail.length > longest.length && tail.length <= LONGEST_TAIL) longest = tail;
  }
  return longest;
}

/** What a number at the right of a column lacks of the longest tail in it, so that points stand below each other; undefined for nothing. */
export function lacking(text: string, longest: string): string | undefined {
  const tail = tailOf(text);
  return tail === null || tail.length >= longest.length ? undefined : longest.slice(tail.length);
}

/** A parameter or another value as it is shown; a float without noise. */
export function shown(value: Value): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(12)));
  return String(value);
}
