/** The theme: the system's, or the one that was chosen. It belongs to who looks and not to the link; the browser remembers it for the first moment. */

export type Theme = "light" | "dark";
const KEY = "anew:theme";

class ThemeChoice {
  #system = $state<Theme>("light");
  #chosen = $state<Theme | null>(null);
  /** Told of what is chosen here. */
  tell: ((chosen: Theme | null) => void) | null = null;

  /** The theme that is shown. Canvases read the tokens again when it changes. */
  get shown(): Theme {
    return this.#chosen ?? this.#system;
  }

  begin(): void {
    const dark = matchMedia("(prefers-color-scheme: dark)");
    this.#system = dark.matches ? "dark" : "light";
    this.#chosen = stored();
    this.#apply();
    dark.addEventListener("change", () => {
      this.#system = dark.matches ? "dark" : "light";
      this.#apply();
    });
  }

  /** Show the other theme; the system's own is not a choice to be kept. */
  toggle(): void {
    const other = this.shown === "dark" ? "light" : "dark";
    this.take(other === this.#system ? null : other);
    this.tell?.(this.#chosen);
  }

  /** Show the theme that was chosen; the system's if none was. */
  take(chosen: Theme | null): void {
    this.#chosen = chosen;
    try {
      if (this.#chosen === null) localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, this.#chosen);
    } catch {
      // Without storage the choice lasts as long as the page.
    }
    this.#apply();
  }

  #apply(): void {
    document.documentElement.dataset.theme = this.shown;
  }
}

function stored(): Theme | null {
  try {
    const found = localStorage.getItem(KEY);
    return found === "light" || found === "dark" ? found : null;
  } catch {
    return null;
  }
}

export const theme = new ThemeChoice();
