/** The projects that there are. */

import { get } from "./api";

const MOST = 40;

/** The folders that experiments lie in, two levels deep, the first few by name. */
export async function projectsThere(): Promise<readonly string[]> {
  const found = await get("/api/v1/experiments", { group: ["owner", "project"], limit: MOST } as never);
  const [owners, names] = found.columns ?? [];
  return (names?.values ?? [])
    .map((name, at) => [owners?.values[at], name].filter((one) => one !== null && one !== undefined).join("/"))
    .filter((one) => one !== "")
    .sort();
}
