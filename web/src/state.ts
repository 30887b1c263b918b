/**
 * What the page shows, as one object that is written into the link and read from it: whoever opens the link sees the same.
 *
 * A field is one row of `FIELDS`: its name in the link, and how its value is written. What has its usual value is left out.
 */

import { readArranged, takeArranged, writeArranged, type ArrangedSection } from "./charts/arranged";

export interface FieldKind<T> {
  /** The name in the link. */
  key: string;
  usual: T;
  read(text: string): T;
  write(value: T): string;
  /** The value that a document says, as of a saved view; undefined for what is none. */
  take(given: unknown): T | undefined;
}

const isText = (given: unknown): given is string => typeof given === "string";
const takeList = (given: unknown): readonly string[] | undefined => (Array.isArray(given) && given.every(isText) ? given : undefined);

function text(key: string, usual = ""): FieldKind<string> {
  return { key, usual, read: (given) => given, write: (value) => value, take: (given) => (isText(given) ? given : undefined) };
}

function flag(key: string): FieldKind<boolean> {
  return {
    key,
    usual: false,
    read: (given) => given !== "0",
    write: (value) => (value ? "1" : "0"),
    take: (given) => (typeof given === "boolean" ? given : undefined),
  };
}

function number(key: string, usual: number): FieldKind<number> {
  return {
    key,
    usual,
    read: (given) => (Number.isFinite(Number(given)) && given !== "" ? Number(given) : usual),
    write: String,
    take: (given) => (typeof given === "number" && Number.isFinite(given) ? given : undefined),
  };
}

function choice<T extends string>(key: string, ...options: [T, ...T[]]): FieldKind<T> {
  return {
    key,
    usual: options[0],
    read: (given) => options.find((one) => one === given) ?? options[0],
    write: (value) => value,
    take: (given) => options.find((one) => one === given),
  };
}

/** Texts with commas between; a comma in one of them is written `\,`. */
function list(key: string, usual: readonly string[] = []): FieldKind<readonly string[]> {
  return { key, usual, read: splitList, write: joinList, take: takeList };
}

/** A list, or null for what the page chooses by itself. */
function chosenList(key: string): FieldKind<readonly string[] | null> {
  return { key, usual: null, read: splitList, write: (value) => joinList(value ?? []), take: (given) => (given === null ? null : takeList(given)) };
}

/** Texts by name, as `name:value`. */
function mapping(key: string): FieldKind<Readonly<Record<string, string>>> {
  return {
    key,
    usual: {},
    read: (given) =>
      Object.fromEntries(
        splitList(given).map((pair) => {
          const at = pair.lastIndexOf(":");
          return [pair.slice(0, at), pair.slice(at + 1)];
        }),
      ),
    write: (value) => joinList(Object.entries(value).map(([name, one]) => `${name}:${one}`)),
    take: (given) =>
      typeof given === "object" && given !== null && !Array.isArray(given) ? Object.fromEntries(Object.entries(given).map(([name, one]) => [name, String(one)])) : undefined,
  };
}

/** Two numbers, the first below the second; null for all there is. */
function range(key: string): FieldKind<readonly [number, number] | null> {
  return {
    key,
    usual: null,
    read(given) {
      const [low, high] = given.split("..").map(Number);
      return low !== undefined && high !== undefined && low < high ? [low, high] : null;
    },
    write: (value) => (value === null ? "" : `${value[0]}..${value[1]}`),
    take: (given) => (given === null ? null : Array.isArray(given) && given.length === 2 && given.every(Number.isFinite) && given[0] < given[1] ? [given[0], given[1]] : undefined),
  };
}

/** Which experiments are drawn: all but some, or none but some. */
export interface Eye {
  readonly all: boolean;
  readonly except: readonly string[];
}

function eye(key: string): FieldKind<Eye> {
  return {
    key,
    usual: { all: true, except: [] },
    read: (given) => ({ all: !given.startsWith("only:"), except: splitList(given.replace(/^only:/, "")) }),
    write: (value) => (value.all ? "" : "only:") + joinList(value.except),
    take: () => undefined,
  };
}

/** Panels in sections, as somebody arranged them; null where the page does. */
function arrangement(key: string): FieldKind<readonly ArrangedSection[] | null> {
  return { key, usual: null, read: readArranged, write: (value) => writeArranged(value ?? []), take: takeArranged };
}

export function splitList(given: string): string[] {
  if (given === "") return [];
  const found = [""];
  for (let at = 0; at < given.length; at += 1) {
    const one = given.charAt(at);
    if (one === ",") found.push("");
    else found[found.length - 1] += one === "\\" ? given.charAt((at += 1)) : one;
  }
  return found;
}

export function joinList(values: readonly string[]): string {
  return values.map((one) => one.replaceAll("\\", "\\\\").replaceAll(",", "\\,")).join(",");
}

export const FIELDS = {
  /** The filter, as it was typed. */
  filter: text("q"),
  /** The folder of experiments that is shown; "" for all of them. */
  project: text("in"),
  /** Whether archived experiments are shown too, and those that `anew reproduce` recorded. */
  archived: flag("archived"),
  reproductions: flag("reproductions"),
  /** What the right side of the workspace shows; "" is what fits how many there are. */
  tab: text("tab"),
  /** Fields to sort by, each with `-` before it to turn it around. */
  sort: list("sort", ["-created_at"]),
  /** Fields whose equal values make a group; where there are none, the page groups very many by itself, unless `each` is set. */
  group: list("group"),
  each: flag("each"),
  /** Whether charts are made of all experiments, also where that takes long; the first ten thousand otherwise. */
  every: flag("every"),
  /** Fields whose values dashes say, and panels of their own. */
  dash: text("dash"),
  facet: text("facet"),
  /** The columns of the table in their order; null for those that tell most. */
  columns: chosenList("columns"),
  /** How many of the first columns stay where they are while the others scroll. */
  pinned: number("pinned", 1),
  /** The widths of columns that were changed, in pixels. */
  widths: mapping("widths"),
  /** Whether columns with one value are left out. */
  differs: flag("differs"),
  selected: list("selected"),
  eye: eye("eye"),
  /** What gives an experiment its colour: a field, or "" for the experiment itself. */
  colourBy: text("colour"),
  /** Colours that somebody chose, by experiment or value. */
  colours: mapping("colours"),
  /** The experiment that others are compared with. */
  baseline: text("baseline"),
  /** Whether curves are drawn as their difference to it. */
  apart: flag("apart"),

  /** Of all charts: what runs along, and how. */
  x: text("x", "step"),
  xLog: flag("xlog"),
  yLog: flag("ylog"),
  range: range("range"),
  smooth: number("smooth", 0),
  band: choice("band", "minmax", "none", "sd", "se", "quantiles"),
  centre: choice("centre", "mean", "median"),
  attempts: flag("attempts"),
  robust: flag("robust"),
  /** Which metrics have panels: a name, or a pattern. */
  metrics: text("metrics"),
  folded: chosenList("folded"),
  /** Which panels there are, in which sections and how wide, where somebody has arranged them. */
  panels: arrangement("panels"),
  /** What the analysis draws, and of what: the result, the setting it is held against, the axes beside each other. */
  plot: choice("plot", "scatter", "parallel", "slices", "boxes", "bars", "compare", "importance", "histograms", "tables"),
  result: text("result"),
  setting: text("setting"),
  /** Of a scatter plot, which ends of its axes are the better ones, the one across first: those that no other experiment beats stand out. */
  front: choice("front", "none", "low-low", "low-high", "high-low", "high-high"),
  axes: chosenList("axes"),
  /** Fields whose axes are logarithmic though they usually are not, and with `-` before them the other way round. */
  logs: list("logs"),
  /** The logged histogram or table that the analysis shows, by its name, and how histograms are drawn. */
  logged: text("logged"),
  form: choice("form", "heat", "ridges"),
  /** Of a logged table: whose, the rows that are shown and their order; the other table that it is held against, as `step` or `step@experiment`, and the columns by which rows go together. */
  whose: text("whose"),
  rows: text("rows"),
  order: list("order"),
  against: text("against"),
  key: list("key"),
  /** The part of each field that is marked, as `low..high`. */
  brush: mapping("brush"),
  /** The two groups that are compared, as values of the setting, and the field that pairs their experiments; "-" for none. */
  groups: list("groups"),
  pair: text("pair"),
  /** Whether media are shown at one place of their slider or pictures at all of them, and the edge of these in pixels. */
  media: choice("media", "panels", "grid"),
  tile: number("tile", 128),
  /** The saved view that was opened last, see `views/`. */
  view: text("view"),
  /** The stretch of a curve during which the machines are looked at, see `charts/meanwhile.ts`. */
  during: text("during"),
  /** The panel that fills the page. */
  full: text("full"),
  /** What is compared on the page of differences. */
  ids: list("ids"),
  /** Where on a page: a file, a stream of logs, a step. What it means, the page says. */
  at: text("at"),
};

type ValueOf<F> = F extends FieldKind<infer T> ? T : never;
export type LinkState = { readonly [K in keyof typeof FIELDS]: ValueOf<(typeof FIELDS)[K]> };

const EVERY = Object.entries(FIELDS) as unknown as [keyof LinkState, FieldKind<unknown>][];

export const USUAL: LinkState = Object.freeze(
  Object.fromEntries(EVERY.map(([name, kind]) => [name, kind.usual])),
) as unknown as LinkState;

/** The state that a query says; what it does not name is as usual, and what nobody knows is passed over. */
export function readState(query: string): LinkState {
  const given = new URLSearchParams(query);
  return Object.fromEntries(
    EVERY.map(([name, kind]) => {
      const value = given.get(kind.key);
      return [name, value === null ? kind.usual : kind.read(value)];
    }),
  ) as unknown as LinkState;
}

/** The query that says a state, with `?` before it; "" for the usual one. */
export function writeState(state: LinkState): string {
  const parts: string[] = [];
  for (const [name, kind] of EVERY) {
    const written = kind.write(state[name]);
    if (written !== kind.write(kind.usual) || (kind.usual === null && state[name] !== null)) {
      parts.push(`${kind.key}=${readable(written)}`);
    }
  }
  return parts.length ? `?${parts.join("&")}` : "";
}

/** As `encodeURIComponent`, but for the characters that a query may hold as they are. */
function readable(value: string): string {
  return encodeURIComponent(value)
    .replaceAll("%2F", "/")
    .replaceAll("%3A", ":")
    .replaceAll("%2C", ",")
    .replaceAll("%40", "@")
    .replaceAll("%20", "+");
}

/** The condition that all shown experiments meet: the filter, and what the other fields leave out. */
export function wholeFilter(state: Pick<LinkState, "filter" | "project" | "archived" | "reproductions">): string {
  const parts: string[] = [];
  if (state.filter.trim()) parts.push(`(${state.filter})`);
  if (state.project) {
    const pattern = state.project.replace(/[^\p{L}\p{N}_]/gu, (one) => (one === "/" ? one : `\\${one}`));
    parts.push(`prefix =~ ${quoted(`^${pattern}/`)}`);
  }
  if (!state.archived) parts.push("'archived' not in tags");
  if (!state.reproductions) parts.push("not (relation == 'reproduces')");
  return parts.join(" and ");
}

/** How many characters of `wholeFilter` stand before the filter that was typed. */
export const BEFORE_FILTER = 1;

/** A text as it is written in a filter. */
export function quoted(value: string): string {
  return `'${value.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}

/** Whether an experiment is drawn. */
export function isShown(one: Eye, id: string): boolean {
  return one.all !== one.except.includes(id);
}

/** The eye with some experiments opened or closed. */
export function withShown(one: Eye, ids: readonly string[], shown: boolean): Eye {
  const changed = new Set(ids);
  const rest = one.except.filter((id) => !changed.has(id));
  return { all: one.all, except: shown === one.all ? rest : [...rest, ...ids] };
}
