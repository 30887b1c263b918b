import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { opening } from "./opening.svelte";

describe("the opening of the page", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("is over with the first chart, or a while after there is something else to show", async () => {
    expect(opening.over).toBe(true); // where no chart is looked for
    opening.begin();
    opening.end();
    expect(opening.over).toBe(true);
    opening.begin();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(opening.over).toBe(false);
    opening.soon();
    await vi.advanceTimersByTimeAsync(200);
    opening.soon();
    expect(opening.over).toBe(false);
    await vi.advanceTimersByTimeAsync(100);
    expect(opening.over).toBe(true);
  });
});
