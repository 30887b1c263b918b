/**
 * Answers with arrays, as `reading/columns.py` writes them: a head of 64 bytes, a directory as JSON, then raw arrays.
 *
 * The arrays are views of the bytes that came: nothing is copied or parsed but a few numbers that stand in the directory.
 */

export const MEDIA_TYPE = "application/x-anew-columns";

/** An array of numbers with its shape; of several dimensions the last runs fastest. */
export interface NumberArray {
  readonly data: Float32Array | Float64Array | Int32Array | Uint8Array;
  readonly shape: readonly number[];
}

interface Directory {
  answer: unknown;
  arrays: { type: string; shape: number[]; at: number }[];
}

const HEAD = 64;
const KINDS = { float32: Float32Array, float64: Float64Array, int32: Int32Array, uint8: Uint8Array } as const;

/** The answer, with a `NumberArray` wherever an array stands. */
export function decodeColumns(bytes: ArrayBuffer): unknown {
  if (bytes.byteLength < HEAD) throw new Error("The answer is too short to be columns.");
  const view = new DataView(bytes);
  const magic = new TextDecoder().decode(new Uint8Array(bytes, 0, 8));
  const length = Number(view.getBigUint64(8, true));
  const begin = Number(view.getBigUint64(16, true));
  if (magic !== "ANEWCOL1" || begin !== HEAD + length) throw new Error("The answer does not begin as columns do.");
  const told = new TextDecoder().decode(new Uint8Array(bytes, HEAD, length));
  const directory = JSON.parse(told) as Directory;
  const arrays = directory.arrays.map(({ type, shape, at }): NumberArray => {
    const Kind = KINDS[type as keyof typeof KINDS];
    if (Kind === undefined) throw new Error(`The answer has an array of the unknown type ${type}.`);
    const count = shape.reduce((product, size) => product * size, 1);
    return { data: new Kind(bytes, begin + at, count), shape };
  });
  return putBack(directory.answer, arrays);
}

/** One row of an array of two dimensions. */
export function rowOf(array: NumberArray, row: number): NumberArray["data"] {
  const width = array.shape.at(-1) ?? 0;
  return array.data.subarray(row * width, (row + 1) * width);
}

function putBack(value: unknown, arrays: readonly NumberArray[]): unknown {
  if (Array.isArray(value)) return value.map((one) => putBack(one, arrays));
  if (value === null || typeof value !== "object") return value;
  const entries = Object.entries(value);
  const first = entries[0];
  if (entries.length === 1 && first?.[0] === "few" && Array.isArray(first[1])) {
    return { data: Float64Array.from(first[1] as number[]), shape: [first[1].length] } satisfies NumberArray;
  }
  if (entries.length === 1 && first?.[0] === "array" && typeof first[1] === "number") return arrays[first[1]];
  return Object.fromEntries(entries.map(([name, one]) => [name, putBack(one, arrays)]));
}
