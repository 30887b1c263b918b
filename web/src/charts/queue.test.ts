import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Queue } from "./queue";

/** Questions that are answered by hand: the names of those that were asked, and what answers one. */
function asked(queue: Queue, names: readonly string[]) {
  const begun: string[] = [];
  const answers = new Map<string, () => void>();
  for (const name of names) {
    void queue.ask(() => {
      begun.push(name);
      return new Promise<void>((resolve) => answers.set(name, resolve));
    });
  }
  const answer = async (name: string) => {
    answers.get(name)?.();
    await vi.advanceTimersByTimeAsync(0);
  };
  return { begun, answer };
}

describe("questions for panels", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("go one alone, then a few at once, and several where answers come quickly", async () => {
    const queue = new Queue();
    const { begun, answer } = asked(queue, [..."abcdefghij"]);
    await vi.advanceTimersByTimeAsync(500);
    expect(begun).toEqual(["a"]);
    await answer("a");
    expect(begun).toEqual(["a"]); // it is not drawn yet
    queue.open();
    await vi.advanceTimersByTimeAsync(0);
    expect(begun).toEqual([..."abc"]); // it took its time
    await answer("b");
    expect(begun).toEqual([..."abcdef"]);
    await vi.advanceTimersByTimeAsync(500);
    await answer("c");
    await answer("d");
    await answer("e");
    expect(begun).toEqual([..."abcdefg"]);
  });

  it("wait a second at most for what may have nothing to draw", async () => {
    const { begun, answer } = asked(new Queue(), ["a", "b"]);
    await vi.advanceTimersByTimeAsync(0);
    await answer("a");
    await vi.advanceTimersByTimeAsync(999);
    expect(begun).toEqual(["a"]);
    await vi.advanceTimersByTimeAsync(1);
    expect(begun).toEqual(["a", "b"]);
  });

  it("go on after one that failed", async () => {
    const queue = new Queue();
    queue.open();
    const failed = queue.ask(() => Promise.reject(new Error("no")));
    const { begun } = asked(queue, ["a", "b"]);
    await expect(failed).rejects.toThrow("no");
    await vi.advanceTimersByTimeAsync(0);
    expect(begun).toEqual(["a", "b"]);
  });
});
