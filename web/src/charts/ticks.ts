/** Where an axis has its marks and what they say: numbers, logarithms, whole steps of any size, times, lengths of time. Pure. */

import { duration, spaced, type Unit } from "../numbers";
import type { Range } from "./scale";

export interface Tick {
  readonly at: number;
  /** "" for a mark between two that say something. */
  readonly label: string;
}

/** The round step that divides a span into about so many. */
export function roundStep(span: number, count: number): number {
  const rough = span / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const share = rough / power;
  return (share >= 7.07 ? 10 : share >= 3.16 ? 5 : share >= 1.41 ? 2 : 1) * power;
}

/** Ticks of numbers. */
export function linearTicks([low, high]: Range, count: number): Tick[] {
  if (!(high > low)) return [];
  const step = roundStep(high - low, count);
  return places(low, high, step).map((at) => ({ at, label: numberLabel(at, step) }));
}

const BYTES = ["B", "kB", "MB", "GB", "TB"] as const;

/** Ticks of bytes, at round places of the unit that the largest has. */
export function byteTicks([low, high]: Range, count: number, unit: Exclude<Unit, null>): Tick[] {
  const size = Math.max(Math.abs(low), Math.abs(high));
  const power = Math.max(0, Math.min(BYTES.length - 1, Math.floor(Math.log10(size) / 3)));
  const per = 1000 ** power;
  const name = `${BYTES[power] as string}${unit === "bytes" ? "" : "/s"}`;
  return linearTicks([low / per, high / per], count).map(({ at, label }) => ({ at: at * per, label: at === 0 ? "0" : `${label} ${name}` }));
}

/** Ticks of powers of ten; where there are few of them, with others between. */
export function logTicks([low, high]: Range, count: number): Tick[] {
  if (!(low > 0 && high > low)) return [];
  const first = Math.floor(Math.log10(low));
  const last = Math.ceil(Math.log10(high));
  if (Math.log10(high / low) < 0.7) return linearTicks([low, high], count);
  const near = Math.log10(high / low) < 2.2;
  const every = Math.max(1, Math.ceil((last - first) / Math.max(1, count)));
  const between = every > 1 ? [1] : near ? [1, 2, 5] : [1, 2, 3, 4, 5, 6, 7, 8, 9];
  const said = near ? new Set(between) : new Set([1]);
  const found: Tick[] = [];
  for (let power = first; power <= last; power += 1) {
    if (every > 1 && (power - first) % every) continue;
    for (const digit of between) {
      const at = Number(`${digit}e${power}`);
      if (at < low || at > high) continue;
      found.push({ at, label: said.has(digit) ? powerLabel(at, digit, power) : "" });
    }
  }
  return found;
}

/**
 * Ticks of whole steps.
 *
 * @param origin What the places are counted from: a label is exact however large the steps are.
 */
export function stepTicks([low, high]: Range, count: number, origin = 0n): Tick[] {
  if (!(high > low)) return [];
  const step = Math.max(1, roundStep(high - low, count));
  if (origin === 0n) return places(low, high, step).map((at) => ({ at, label: countLabel(at, step, Math.max(-low, high)) }));
  // A round place of the steps themselves, not of what they are counted from.
  const width = BigInt(step);
  const begin = origin + BigInt(Math.ceil(low));
  const first = ((begin + (begin >= 0n ? width - 1n : 0n)) / width) * width;
  const found: Tick[] = [];
  for (let at = first; Number(at - origin) <= high; at += width) found.push({ at: Number(at - origin), label: spaced(at) });
  return found;
}

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;
const TIMES = [1, 2, 5, 10, 15, 30, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR,
  3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY, 30 * DAY, 90 * DAY, 365 * DAY];

/** Ticks of lengths of time, in seconds. */
export function relativeTicks([low, high]: Range, count: number): Tick[] {
  if (!(high > low)) return [];
  const step = timeStep(high - low, count);
  return places(low, high, step).map((at) => ({
    at,
    label: step < 1 ? `${Number(at.toFixed(6))}s` : at === 0 ? "0" : duration(at).replace(/\.0s$/, "s"),
  }));
}

/** Ticks of times, in seconds since the epoch, at round places of the local day. */
export function timeTicks([low, high]: Range, count: number): Tick[] {
  if (!(high > low)) return [];
  const step = timeStep(high - low, count);
  const shift = new Date(low * 1000).getTimezoneOffset() * MINUTE;
  let day = "";
  return places(low - shift, high - shift, step).map((place) => {
    const at = place + shift;
    const date = new Date(at * 1000);
    const today = `${date.getMonth() + 1}-${date.getDate()}`;
    const new_ = today !== day;
    day = today;
    return { at, label: timeLabel(date, step, new_) };
  });
}

function timeStep(span: number, count: number): number {
  const rough = span / Math.max(1, count);
  if (rough < 1) return roundStep(span, count);
  return TIMES.find((one) => one >= rough * 0.75) ?? roundStep(span / (365 * DAY), count) * 365 * DAY;
}

function timeLabel(date: Date, step: number, newDay: boolean): string {
  const two = (part: number) => String(part).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  if (step >= DAY) return day;
  const time = `${two(date.getHours())}:${two(date.getMinutes())}`;
  const midnight = date.getHours() === 0 && date.getMinutes() === 0;
  if (newDay && midnight) return day;
  if (step >= MINUTE) return time;
  const seconds = date.getSeconds() + date.getMilliseconds() / 1000;
  return `${time}:${step < 1 ? seconds.toFixed(step < 0.01 ? 3 : 2).padStart(5, "0") : two(Math.floor(seconds))}`;
}

/** The multiples of a step within a range. */
function places(low: number, high: number, step: number): number[] {
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  const found: number[] = [];
  for (let at = first; at <= last && found.length < 100; at += 1) {
    const digits = Math.max(0, -Math.floor(Math.log10(step)) + 1);
    found.push(digits > 15 ? at * step : Number((at * step).toFixed(Math.min(20, digits))));
  }
  return found;
}

function numberLabel(value: number, step: number): string {
  const size = Math.abs(value);
  if (value !== 0 && (size >= 1e6 || step < 1e-5)) {
    const digits = Math.max(0, Math.floor(Math.log10(size)) - Math.floor(Math.log10(step)));
    return exponent(value.toExponential(Math.min(15, digits)));
  }
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return value.toFixed(digits).replace("-", "−");
}

/** A count in the unit that the largest of an axis has. */
function countLabel(value: number, step: number, size: number): string {
  if (value === 0) return "0";
  const text = (per: number, unit: string) => {
    const digits = Math.max(0, -Math.floor(Math.log10(step / per) + 1e-9));
    return `${(value / per).toFixed(digits)}${unit}`.replace("-", "−");
  };
  if (size >= 1e15) return spaced(BigInt(value));
  if (size >= 1e6 && step >= 1e3) return text(1e6, "M");
  if (size >= 1e4 && step >= 10) return text(1e3, "k");
  return spaced(value).replace("-", "−");
}

function powerLabel(at: number, digit: number, power: number): string {
  if (power >= -3 && power <= 4) return String(at);
  return exponent(`${digit}e${power}`);
}

/** "1e-5" as it is set: 1e−5. */
function exponent(text: string): string {
  return text.replace("e+", "e").replaceAll("-", "−");
}
