import { describe, expect, test } from "vitest";
import { isPlain, paletteColour, spansOf, textOf } from "./ansi";

const shape = (line: string) => spansOf(line).map((span) => [span.text, span.colour, span.bold]);

describe("a line as a terminal shows it", () => {
  test("plain text is one span, and an empty line none", () => {
    expect(shape("loss 0.5\tok")).toEqual([["loss 0.5\tok", null, false]]);
    expect(spansOf("")).toEqual([]);
    expect(isPlain("grün 好 \u{1f600}")).toBe(true);
  });

  test("colours last until they are changed", () => {
    expect(shape("\x1b[31merror\x1b[0m: \x1b[1;92mfine\x1b[22m!\x1b[39m.")).toEqual([
      ["error", 1, false],
      [": ", null, false],
      ["fine", 10, true],
      ["!", 10, false],
      [".", null, false],
    ]);
  });

  test("colours of the palette and colours of their own are kept", () => {
    expect(shape("\x1b[38;5;208mx\x1b[38;2;1;2;300my")).toEqual([
      ["x", 208, false],
      ["y", "#01022c", false],
    ]);
    expect(paletteColour(208)).toBe("#ff8700");
    expect(paletteColour(244)).toBe("#808080");
  });

  test("a carriage return writes over what was there", () => {
    expect(textOf(" 10%|#    \r 20%|##   \r100%|#####")).toBe("100%|#####");
    expect(textOf("abcdef\rxy")).toBe("xycdef");
    expect(textOf("abcdef\r\x1b[Kxy")).toBe("xy");
    expect(textOf("kept\r")).toBe("kept");
    expect(textOf("\x1b[2K\rstep 3")).toBe("step 3");
  });

  test("a progress bar of a million characters is its last state", () => {
    const bar = Array.from({ length: 20_000 }, (_, n) => `${String(n).padStart(6)} of 20000 [${"#".repeat(30)}]`);
    const begun = performance.now();
    expect(textOf(bar.join("\r"))).toBe(bar.at(-1));
    expect(performance.now() - begun).toBeLessThan(1000);
  });

  test("backspaces and moves of the cursor are followed", () => {
    expect(textOf("abc\b\bX")).toBe("aXc");
    expect(textOf("abc\x1b[1GX\x1b[2CY")).toBe("XbcY");
  });

  test("what a terminal takes as an order is never text, and never runs", () => {
    expect(textOf("\x1b]0;title\x07a\x1b]8;;http://evil\x1b\\b\x1b(Bc\x1b=d\x1b")).toBe("abcd");
    expect(textOf("\x00\x01\x9b31mred\x7f")).toBe("31mred");
    expect(textOf("<b>\x1b[1m</b>")).toBe("<b></b>");
  });

  test("an order to move far does not take memory", () => {
    expect(textOf("\x1b[999999999Cx").length).toBeLessThan(30_000);
  });

  test("characters of two units stay whole", () => {
    expect(textOf("\x1b[1m\u{1f600}好\r\u{1f680}")).toBe("\u{1f680}好");
  });
});
