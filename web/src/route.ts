/** From the address of a page to what it shows. Pure; `link.svelte.ts` moves between them. */

export type Route =
  | { readonly page: "experiments" }
  | { readonly page: "experiment"; readonly id: string }
  | { readonly page: "reproduction"; readonly id: string }
  | { readonly page: "difference" }
  | { readonly page: "reports" }
  | { readonly page: "nowhere" };

/** What a path shows, given without the folder that the page lies in: `x/k7q2` is the page of one experiment. */
export function routeOf(path: string): Route {
  const parts = path.split("/").filter((part) => part !== "");
  const [head, id, tail] = parts.map(decoded);
  if (head === undefined) return { page: "experiments" };
  if (head === "diff" && parts.length === 1) return { page: "difference" };
  if (head === "reports" && parts.length === 1) return { page: "reports" };
  if (head === "x" && id !== undefined && parts.length === 2) return { page: "experiment", id };
  if (head === "x" && id !== undefined && tail === "reproduction" && parts.length === 3) {
    return { page: "reproduction", id };
  }
  return { page: "nowhere" };
}

/** The path of what is shown: the inverse of `routeOf`. */
export function pathOf(route: Route): string {
  switch (route.page) {
    case "experiment":
      return `x/${encodeURIComponent(route.id)}`;
    case "reproduction":
      return `x/${encodeURIComponent(route.id)}/reproduction`;
    case "difference":
      return "diff";
    case "reports":
      return "reports";
    default:
      return "";
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
