import { expect, it } from "vitest";
import { decodeColumns, rowOf, type NumberArray } from "./columns";

/** As `reading/columns.py` writes them. */
function encoded(answer: unknown, arrays: [string, number[], ArrayBuffer][]): ArrayBuffer {
  let at = 0;
  const told = arrays.map(([type, shape, data]) => {
    const here = at;
    at += Math.ceil(data.byteLength / 8) * 8;
    return { type, shape, at: here };
  });
  let text = JSON.stringify({ answer, arrays: told });
  text += " ".repeat((8 - (text.length % 8)) % 8);
  const bytes = new Uint8Array(64 + text.length + at);
  bytes.set(new TextEncoder().encode("ANEWCOL1"), 0);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(8, BigInt(text.length), true);
  view.setBigUint64(16, BigInt(64 + text.length), true);
  bytes.set(new TextEncoder().encode(text), 64);
  arrays.forEach(([, , data], index) => bytes.set(new Uint8Array(data), 64 + text.length + (told[index]?.at ?? 0)));
  return bytes.buffer;
}

it("puts arrays where they stood, without copying them", () => {
  const values = new Float32Array([1, 2, Number.NaN, 4, 5, 6]);
  const flags = new Uint8Array([1, 0, 1]);
  const bytes = encoded({ grid: null, low: { array: 0 }, more: [{ array: 1 }] }, [
    ["float32", [2, 3], values.buffer],
    ["uint8", [3], flags.buffer],
  ]);
  const found = decodeColumns(bytes) as { grid: null; low: NumberArray; more: NumberArray[] };
  expect(found.grid).toBeNull();
  expect([...rowOf(found.low, 1)]).toEqual([4, 5, 6]);
  expect(found.low.data.buffer).toBe(bytes);
  expect([...(found.more[0]?.data ?? [])]).toEqual([1, 0, 1]);
});

it("takes a few numbers from the directory", () => {
  const found = decodeColumns(encoded({ x: { few: [3, 0.5] }, none: { few: [] } }, [])) as { x: NumberArray; none: NumberArray };
  expect([...found.x.data]).toEqual([3, 0.5]);
  expect(found.none).toEqual({ data: new Float64Array(0), shape: [0] });
});

it("refuses what are no columns", () => {
  expect(() => decodeColumns(new ArrayBuffer(8))).toThrow();
  expect(() => decodeColumns(new ArrayBuffer(80))).toThrow();
});
