/** What was made here, handed to the browser as a file. */

/** The name of a file that is called so, without what means something in paths. */
export function fileName(title: string, ending: string, otherwise: string): string {
  return `${title.replace(/[^\p{L}\p{N}._-]+/gu, "-").replace(/^[.-]+|-+$/g, "") || otherwise}.${ending}`;
}

/** Have the browser save it. */
export function handOver(blob: Blob | null, name: string): void {
  if (!blob) return;
  const url = URL.createObjectURL(blob);
  const anchor = document.createElement("a");
  anchor.href = url;
  anchor.download = name;
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000); // a busy browser takes its time to begin
}
