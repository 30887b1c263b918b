/** Which role somebody has where: what a server says of who asks, read as `query/scope.py` reads it. */

export type Role = "anyone" | "reader" | "reporter" | "writer" | "maintainer" | "owner";
export type Grants = readonly (readonly [pattern: string, role: string])[];

const ROLES: readonly string[] = ["anyone", "reader", "reporter", "writer", "maintainer", "owner"] satisfies Role[];

/** Whether a role includes another one. */
export function includes(role: string, least: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(least);
}

/** The project of an experiment: the first two parts of its prefix above its name; what lies in none belongs to who recorded it. */
export function projectOf(prefix: string, user = ""): string {
  const parts = prefix.split("/").filter((one) => one !== "");
  return parts.length > 2 ? `${parts[0]}/${parts[1]}` : parts.length === 2 ? (parts[0] as string) : `~${user}`;
}

/**
 * The highest role that grants give in a project.
 *
 * @param project Its name; "" for all projects together, in which what is somebody's own counts only where they have nothing else.
 */
export function roleIn(grants: Grants, project: string): string {
  const shared = grants.filter(([pattern]) => !pattern.startsWith("~"));
  const fitting = project === "" ? (shared.length ? shared : grants) : grants.filter(([pattern]) => matches(pattern, project));
  return fitting.reduce((best, [, role]) => (ROLES.indexOf(role) > ROLES.indexOf(best) ? role : best), "anyone");
}

function matches(pattern: string, project: string): boolean {
  if (pattern === "*") return true;
  if (project.startsWith("~") && !pattern.startsWith("~")) return false;
  if (pattern.endsWith("/*") && same(pattern.slice(0, -2), project)) return true;
  const [wanted, given] = [pattern.split("/"), project.split("/").slice(0, 2)];
  return wanted.length === given.length && wanted.every((one, at) => same(one, given[at] as string));
}

function same(pattern: string, text: string): boolean {
  const parts = pattern.split("*").map((one) => one.replace(/[.*+?^${}()|[\]\\]/gu, "\\$&"));
  return new RegExp(`^${parts.join("[^/]*")}$`, "u").test(text);
}
