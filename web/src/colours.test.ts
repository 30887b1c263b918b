import { describe, expect, it } from "vitest";
import { colourIn, coloursOf, PLAIN, slotOf, SLOTS } from "./colours";
import { MANY } from "./charts/lines";

const names = (count: number) => Array.from({ length: count }, (_, at) => `experiment-${at}`);

describe("colours", () => {
  it("gives no two of those shown the same colour while there are enough", () => {
    for (const count of [2, 8, PLAIN, 60, SLOTS]) {
      const slots = [...coloursOf(names(count)).values()].map((one) => one.slot);
      expect(new Set(slots).size).toBe(count);
    }
  });

  it("gives a key the same colour each time, and an earlier one none other because of a later one", () => {
    const few = coloursOf(names(20));
    const more = coloursOf(names(28));
    for (const [key, colour] of few) expect(more.get(key)).toEqual(colour);
  });

  it("keeps the slots that are settled", () => {
    const found = coloursOf(["a", "b", "c"], { b: "3", c: "40" });
    expect(found.get("b")?.slot).toBe(3);
    expect(found.get("c")?.slot).toBe(40);
    expect(found.get("a")?.slot).not.toBe(3);
  });

  it("keeps what was seen apart as long as it is not shown together with what looks the same", () => {
    const slots: Record<string, string> = {};
    const see = (keys: readonly string[]) => {
      const found = coloursOf(keys, slots);
      for (const [key, one] of found) slots[key] = String(one.slot);
      return found;
    };
    const all = names(PLAIN);
    const alone = new Map(all.map((one) => [one, see([one]).get(one)?.slot]));
    const together = see(all);
    for (const one of all) expect(together.get(one)?.slot).toBe(alone.get(one));
    const later = see(names(2 * PLAIN).slice(PLAIN));
    expect(new Set([...later.values()].map((one) => one.slot)).size).toBe(PLAIN);
    const both = see(names(2 * PLAIN));
    expect(new Set([...both.values()].map((one) => one.slot)).size).toBe(2 * PLAIN);
    for (const one of all) expect(both.get(one)?.slot, "of two that clash, the later one moves").toBe(alone.get(one));
  });

  it("keeps what people chose, and moves what looks the same", () => {
    const kept = { a: "3", b: "5", c: "7" };
    const found = coloursOf(["a", "b", "c"], kept, { b: "3", other: "7" });
    expect(found.get("b")?.slot).toBe(3);
    expect(found.get("c")?.slot, "who is not shown takes nothing away").toBe(7);
    expect([3, 7]).not.toContain(found.get("a")?.slot);
  });

  it("has a look of its own for each line that is drawn by itself", () => {
    expect(SLOTS).toBeGreaterThanOrEqual(MANY);
    const looks = Array.from({ length: SLOTS }, (_, slot) => `${colourIn(slot).light} ${colourIn(slot).dash.join(" ")}`);
    expect(new Set(looks).size).toBe(SLOTS);
    expect(new Set(looks.map((one, slot) => one.replace(colourIn(slot).light, colourIn(slot).dark))).size).toBe(SLOTS);
  });

  it("reads no slot from what says none", () => {
    expect([slotOf("12"), slotOf(4)]).toEqual([12, 4]);
    for (const wrong of [undefined, null, "", "-1", "1.5", "x", String(SLOTS), "1e2"]) expect(slotOf(wrong)).toBeNull();
  });

  it("has dashes where colours come again", () => {
    expect(colourIn(0).dash).toEqual([]);
    expect(colourIn(PLAIN).light).toBe(colourIn(0).light);
    expect(colourIn(PLAIN).dash).not.toEqual([]);
  });

  it("stands out against the page: 3 to 1 at least", () => {
    const part = (value: number) => (value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    const light = (hex: string) => {
      const [r, g, b] = [1, 3, 5].map((at) => part(parseInt(hex.slice(at, at + 2), 16) / 255)) as [number, number, number];
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const contrast = (a: string, b: string) => {
      const [high, low] = [light(a), light(b)].sort((x, y) => y - x) as [number, number];
      return (high + 0.05) / (low + 0.05);
    };
    for (let slot = 0; slot < PLAIN; slot += 1) {
      expect(contrast(colourIn(slot).light, "#ffffff"), `light ${slot}`).toBeGreaterThanOrEqual(3);
      expect(contrast(colourIn(slot).dark, "#15171a"), `dark ${slot}`).toBeGreaterThanOrEqual(3);
    }
  });

  it("gives the same colours as a report's file", () => {
    // `tests/printing/test_colours.py` has the same numbers.
    const slots = (keys: readonly string[], kept = {}, chosen = {}) => [...coloursOf(keys, kept, chosen)].map(([key, one]) => [key, one.slot]);
    expect(slots(names(9)).map(([, slot]) => slot)).toEqual([1, 14, 22, 24, 5, 23, 11, 8, 6]);
    expect(slots(names(40)).slice(-6).map(([, slot]) => slot)).toEqual([108, 47, 106, 173, 176, 67]);
    expect(new Map(slots(["a", "é", "猫", "😀"], { b: "3", a: "3", 猫: "3" }, { é: "30" }) as [string, number][])).toEqual(new Map([["a", 3], ["é", 30], ["猫", 2], ["😀", 7]]));
    expect(slots(['[0.1,"sgd"]', "[null,true]"]).map(([, slot]) => slot)).toEqual([4, 6]);
  });
});
