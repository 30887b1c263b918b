import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Pace } from "./pace";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const made = () => {
  const asked: string[] = [];
  const pace = new Pace(() => Date.now());
  return { pace, asked, wait: (name: string) => pace.wait(() => asked.push(name)) };
};

test("a picture is asked for once it has stayed", () => {
  const { asked, wait } = made();
  wait("a");
  vi.advanceTimersByTime(40);
  const forget = wait("b");
  wait("c");
  expect(asked).toEqual([]);
  vi.advanceTimersByTime(20);
  expect(asked).toEqual(["a"]);
  forget();
  vi.advanceTimersByTime(60);
  expect(asked).toEqual(["a", "c"]);
});

test("none is asked for while more than a tile goes by with each frame, however long frames take", () => {
  const { pace, asked, wait } = made();
  for (let frame = 0; frame < 10; frame += 1) {
    pace.moved(1.5);
    wait(String(frame));
    vi.advanceTimersByTime(130);
  }
  expect(asked).toEqual([]);
  vi.advanceTimersByTime(300);
  expect(asked).toHaveLength(10);
  pace.moved(0.5);
  wait("slow");
  vi.advanceTimersByTime(60);
  expect(asked.at(-1)).toBe("slow");
});
