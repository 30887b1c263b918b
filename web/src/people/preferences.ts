/** What can be preferred, and what is meant where somebody wrote otherwise. Pure. */

export interface Preferences {
  /** Light or dark; null for the system's. */
  readonly theme: "light" | "dark" | null;
  /** How wide the list at the left is. */
  readonly side: number | null;
  /** The columns of the table where neither the link nor a view says which; null for those that tell most. */
  readonly columns: readonly string[] | null;
  /** Whether times are said by how long ago they were, or as dates. */
  readonly times: "ago" | "date";
  /** Whether a kilobyte is 1000 bytes or 1024. */
  readonly sizes: "decimal" | "binary";
  /** When the newest of what alerts found was that somebody has seen; seconds since the epoch. */
  readonly alertsSeen: number;
}

const of = <T extends string>(value: unknown, ...words: readonly T[]): T | null => words.find((one) => one === value) ?? null;

export function readPreferences(given: Readonly<Record<string, unknown>>): Preferences {
  const { theme, side, columns, times, sizes, alerts_seen } = given;
  return {
    theme: of(theme, "light", "dark"),
    side: typeof side === "number" && Number.isFinite(side) ? side : null,
    columns: Array.isArray(columns) && columns.length > 0 && columns.every((one) => typeof one === "string") ? (columns as string[]) : null,
    times: of(times, "ago", "date") ?? "ago",
    sizes: of(sizes, "decimal", "binary") ?? "decimal",
    alertsSeen: typeof alerts_seen === "number" ? alerts_seen : 0,
  };
}
