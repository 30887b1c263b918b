/** What the page shows before anybody has chosen anything, by how many experiments there are. Pure. */

import type { Schemas } from "./api";
import { differs } from "./table/columns";

/** More experiments than this are drawn in groups, if there are few of these. */
export const MANY = 200;
/** So many groups can be told apart. */
export const GROUPS = 12;
const SEED = /(^|[._/-])(random_?)?seed$/i;

/** Whether a setting is what runs of one configuration differ in. */
export function isSeed(name: string): boolean {
  return SEED.test(name);
}

/** The settings that differ, but for the seed: those equal in all of them are runs of one configuration. */
export function allButSeed(telling: Schemas["Telling"]): readonly string[] {
  const settings = telling.fields.filter((one) => one.section === "params" || one.section === "config");
  const found = settings.filter((one) => differs(one, telling.experiments) && !isSeed(one.name));
  // A setting that is both a parameter and in the configuration makes the same groups.
  return found.filter((one, at) => found.findIndex((other) => other.name === one.name) === at).map((one) => one.field);
}

/** Of settings in the order of what they tell, the one that was tried with the most values. */
export function mostTried(settings: readonly Schemas["FieldFact"][]): string | undefined {
  return settings.reduce<Schemas["FieldFact"] | undefined>((best, one) => (best === undefined || one.values > best.values ? one : best), undefined)?.field;
}

/** The fields that very many experiments may be grouped by; none where these would surely be too many groups, or one alone. */
export function groupsToTry(telling: Schemas["Telling"] | null): readonly string[] {
  if (telling === null || telling.experiments <= MANY) return [];
  const fields = allButSeed(telling);
  const most = telling.fields.filter((one) => fields.includes(one.field)).map((one) => one.values);
  return fields.length && most.every((one) => one <= GROUPS) ? fields : [];
}
