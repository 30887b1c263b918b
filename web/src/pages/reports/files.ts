/** A report as a file to save. */

import { address, bytes } from "../../api";
import { fileName, handOver } from "../../handing";
import { notices } from "../../notices.svelte";
import { fileOf, type Which } from "./reports";

/** Have the server make the file, and hand it to the browser. */
export async function saved(which: Which, form: "md" | "html" | "pdf"): Promise<void> {
  const { parts, query } = fileOf(which, form);
  let content: ArrayBuffer;
  try {
    content = await bytes(address("/api/v1/report-files/{name}", parts, query));
  } catch (error) {
    notices.say((error as Error).message, { wrong: true });
    return;
  }
  // Never shown in a tab of this page, whatever is in it: only kept.
  handOver(new Blob([content], { type: "application/octet-stream" }), fileName(which.name, form, "report"));
}
