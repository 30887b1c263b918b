/** The colours of the page's themes as charts use them; `tokens.css` has the same. */

import type { Theme } from "./marks";

const LIGHT: Theme = { ink: "#1a1c1e", muted: "#5f6670", hairline: "#e4e7eb", paper: "#ffffff", warning: "#8a5a00" };
const DARK: Theme = { ink: "#e8eaed", muted: "#9aa3ad", hairline: "#2b2f35", paper: "#15171a", warning: "#e0b050" };

export function themeNow(dark: boolean): Theme {
  return dark ? DARK : LIGHT;
}
