/** Calls of the server, typed by its OpenAPI document: `schema.d.ts` is made from it, see `build.py types`. */

import { decodeColumns, MEDIA_TYPE, type NumberArray } from "./columns";
import type { components, paths } from "./schema";

export type Schemas = components["schemas"];

/** An answer as raw columns: a `NumberArray` wherever the document says that numbers stand. */
export type Columns<T> = T extends readonly (number | boolean | string | unknown[])[]
  ? NumberArray
  : T extends object
    ? { [K in keyof T]: Columns<T[K]> }
    : T;

type Method = "get" | "post";
type PathsWith<M extends Method> = { [P in keyof paths]: paths[P][M] extends object ? P : never }[keyof paths];
type Operation<P extends keyof paths, M extends Method> = NonNullable<paths[P][M]>;
type Answer<O> = O extends { responses: { 200: { content: { "application/json": infer T } } } } ? T : never;
type Query<O> = O extends { parameters: { query?: infer Q } } ? Partial<Exclude<Q, undefined>> : never;
type InPath<O> = O extends { parameters: { path: infer T } } ? T : undefined;
type Body<O> = O extends { requestBody: { content: { "application/json": infer T } } } ? Partial<T> : undefined;

/** A question that the server refused, with what it says of the reason. */
export class Refused extends Error {
  readonly status: number;
  readonly problem: Schemas["Problem"];

  constructor(status: number, problem: Schemas["Problem"]) {
    super(problem.message);
    this.status = status;
    this.problem = problem;
  }
}

/** No answer came: the server is gone, or the way to it. */
export class Unreachable extends Error {}

/** Closed once the server asks who this is: until somebody has come in, nothing but the ways in is asked for. */
export const gate = { closed: false };
const WAYS_IN = /\/api\/v1\/log(in|out)\b/;

/** Told of each call whether an answer came; the connection's state follows from it. */
export const watchers = new Set<(reached: boolean) => void>();

/** Ask with GET. */
export function get<P extends PathsWith<"get">>(
  path: P,
  query?: Query<Operation<P, "get">>,
  options: { path?: InPath<Operation<P, "get">>; signal?: AbortSignal | undefined } = {},
): Promise<Answer<Operation<P, "get">>> {
  return json(address(path, options.path, query), { signal: options.signal ?? null, cache: "no-cache" });
}

/** Ask with POST. */
export function post<P extends PathsWith<"post">>(
  path: P,
  body: Body<Operation<P, "post">>,
  signal?: AbortSignal,
): Promise<Answer<Operation<P, "post">>> {
  return json(address(path), posted(body, signal));
}

/** Ask with POST, and take the answer as raw columns: floats as they are where they are `exact`, else no finer than a chart shows. */
export async function postForColumns<P extends PathsWith<"post">>(
  path: P,
  body: Body<Operation<P, "post">>,
  signal?: AbortSignal,
  exact = false,
): Promise<Columns<Answer<Operation<P, "post">>>> {
  const init = posted(body, signal);
  const response = await reach(address(path, undefined, exact ? { precision: 64 } : {}), { ...init, headers: { ...init.headers, Accept: MEDIA_TYPE } });
  return decodeColumns(await response.arrayBuffer()) as never;
}

/** The URL of the bytes of a file, a value or a capture. */
export function contentUrl(id: string, kind: "file" | "value" | "capture", name: string): string {
  return address("/api/v1/experiments/{ref}/content/{kind}/{name}", { ref: id, kind, name } as never);
}

/** Bytes of a URL of this server. */
export async function bytes(url: string, signal?: AbortSignal): Promise<ArrayBuffer> {
  return (await reach(url, { signal: signal ?? null })).arrayBuffer();
}

/** A URL relative to where the page begins. */
export function address(path: string, parts?: Record<string, unknown>, query?: Record<string, unknown>): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) =>
    String(parts?.[name]).split("/").map(encodeURIComponent).join("/"),
  );
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== null && one !== undefined) given.append(name, String(one));
    }
  }
  const text = given.toString();
  return new URL(filled.replace(/^\//, "") + (text && `?${text}`), document.baseURI).href;
}

/** The value of a JSON text. Integers that a number does not hold exactly become bigints. */
export function parseJson(text: string): unknown {
  // Sixteen digits after a point are those of a float, as most answers have them.
  if (!/(?<![.\d])\d{16}/.test(text)) return JSON.parse(text);
  type Reviver = (key: string, value: unknown, context?: { source?: string }) => unknown;
  const exact: Reviver = (_, value, context) => {
    const source = context?.source;
    const rounded = typeof value === "number" && !Number.isSafeInteger(value) && source !== undefined;
    return rounded && /^-?\d+$/.test(source) ? BigInt(source) : value;
  };
  return JSON.parse(text, exact as (key: string, value: unknown) => unknown);
}

function posted(body: unknown, signal?: AbortSignal) {
  return {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body ?? {}, (_, value: unknown) =>
      typeof value === "bigint" ? (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(String(value)) : value,
    ),
    signal: signal ?? null,
  };
}

async function json<T>(url: string, init: RequestInit): Promise<T> {
  return parseJson(await (await reach(url, init)).text()) as T;
}

async function reach(url: string, init: RequestInit): Promise<Response> {
  const entering = WAYS_IN.test(url);
  if (gate.closed && !entering) throw new Refused(401, { code: "NotAllowed", message: "The server does not know this browser." } as never);
  let response: Response;
  try {
    response = await fetch(url, init);
  } catch (error) {
    if (init.signal?.aborted) throw error;
    for (const tell of watchers) tell(false);
    throw new Unreachable("The server does not answer.");
  }
  if (response.status === 401 && !entering) gate.closed = true;
  for (const tell of watchers) tell(true);
  if (response.ok) return response;
  let problem: Schemas["Problem"] = { code: "Error", message: `The server answered ${response.status}.` } as never;
  try {
    problem = ((await response.json()) as Schemas["Refusal"]).error;
  } catch {
    // A proxy answered: the status is all that is known.
  }
  throw new Refused(response.status, problem);
}
