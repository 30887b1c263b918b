/** Panels as somebody arranged them: sections of their own, in which metrics stand in an order and with a width. Pure. */

import { matcher, type Section } from "./sections";

export interface ArrangedPanel {
  /** The name of a metric, or a pattern with `*` that means all that stand nowhere else. */
  readonly metric: string;
  /** How many columns it takes. */
  readonly wide: number;
}

export interface ArrangedSection {
  readonly name: string;
  readonly panels: readonly ArrangedPanel[];
}

export const WIDEST = 4;

/** The sections with the metrics that there are; a metric stands where it is named first, and by name before by pattern. */
export function arranged(sections: readonly ArrangedSection[], names: readonly string[]): Section[] {
  const there = new Set(names);
  const isPattern = (metric: string) => !there.has(metric) && metric.includes("*");
  const placed = new Set(sections.flatMap((one) => one.panels.map((panel) => panel.metric)).filter((metric) => there.has(metric)));
  const seen = new Set<string>();
  return sections.map((one) => {
    const wide = new Map<string, number>();
    for (const panel of one.panels) {
      const meant = isPattern(panel.metric) ? names.filter((name) => !placed.has(name) && (matcher(panel.metric)?.(name) ?? false)) : there.has(panel.metric) ? [panel.metric] : [];
      for (const name of meant) {
        if (seen.has(name)) continue;
        seen.add(name);
        wide.set(name, panel.wide);
      }
    }
    return { name: one.name, metrics: [...wide.keys()], folded: false, wide };
  });
}

/** As many sections as the page shows by itself, to begin to arrange them. */
export function asArranged(sections: readonly Section[]): ArrangedSection[] {
  return sections.filter((one) => !one.folded).map((one) => ({ name: one.name, panels: one.metrics.map((metric) => ({ metric, wide: one.wide?.get(metric) ?? 1 })) }));
}

/** With one panel at another place: at the end of its section where there is no `before`. */
export function movedPanel(sections: readonly ArrangedSection[], metric: string, to: number, before: number): ArrangedSection[] {
  const panel = sections.flatMap((one) => one.panels).find((one) => one.metric === metric);
  if (!panel) return [...sections];
  return sections.map((one, at) => {
    const rest = one.panels.filter((other) => other.metric !== metric);
    return { ...one, panels: at === to ? [...rest.slice(0, before), panel, ...rest.slice(before)] : rest };
  });
}

const SPECIAL = /[\\,;:@]/g;

/** As the link has it: `Loss:train/loss,val/loss@2;Rest:*`. */
export function writeArranged(sections: readonly ArrangedSection[]): string {
  const plain = (text: string) => text.replace(SPECIAL, "\\$&");
  return sections.map((one) => `${plain(one.name)}:${one.panels.map((panel) => plain(panel.metric) + (panel.wide > 1 ? `@${panel.wide}` : "")).join(",")}`).join(";");
}

export function readArranged(given: string): ArrangedSection[] {
  const found: { name: string; panels: ArrangedPanel[] }[] = [];
  let text = "";
  let wide = "";
  let part: "name" | "metric" | "wide" = "name";
  const end = (): void => {
    const width = Math.min(WIDEST, Math.max(1, Math.trunc(Number(wide)) || 1));
    if (part === "name") found.push({ name: text, panels: [] });
    else if (text) found.at(-1)?.panels.push({ metric: text, wide: width });
    [text, wide] = ["", ""];
  };
  if (given === "") return [];
  for (let at = 0; at < given.length; at += 1) {
    const one = given.charAt(at);
    if (one === "\\") text += given.charAt((at += 1));
    else if (one === ":" && part === "name") [end(), (part = "metric")];
    else if (one === "@" && part === "metric") part = "wide";
    else if (one === "," && part !== "name") [end(), (part = "metric")];
    else if (one === ";") [end(), (part = "name")];
    else if (part === "wide") wide += one;
    else text += one;
  }
  end();
  return found;
}

/** As a document says it: `- {name: Loss, panels: [train/loss, {metric: val/loss, wide: 2}]}`. */
export function takeArranged(given: unknown): readonly ArrangedSection[] | null | undefined {
  if (given === null) return null;
  if (!Array.isArray(given)) return undefined;
  const found: ArrangedSection[] = [];
  for (const one of given as { name?: unknown; panels?: unknown }[]) {
    if (typeof one?.name !== "string" || !Array.isArray(one.panels)) return undefined;
    const panels: ArrangedPanel[] = [];
    for (const panel of one.panels as (string | { metric?: unknown; wide?: unknown } | null)[]) {
      const metric = typeof panel === "string" ? panel : panel?.metric;
      const wide = typeof panel === "string" ? 1 : (panel?.wide ?? 1);
      if (typeof metric !== "string" || typeof wide !== "number") return undefined;
      panels.push({ metric, wide: Math.min(WIDEST, Math.max(1, Math.trunc(wide))) });
    }
    found.push({ name: one.name, panels });
  }
  return found;
}

/** The inverse of `takeArranged`. */
export function tellArranged(sections: readonly ArrangedSection[]): unknown {
  return sections.map((one) => ({ name: one.name, panels: one.panels.map((panel) => (panel.wide > 1 ? { ...panel } : panel.metric)) }));
}
