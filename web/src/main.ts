import { flushSync, mount } from "svelte";
import "./tokens.css";
import { about } from "./about.svelte";
import App from "./App.svelte";
import { entrance } from "./entrance.svelte";
import { experiments } from "./experiments.svelte";
import { link } from "./link.svelte";
import { live } from "./live.svelte";
import { opening } from "./opening.svelte";
import { palette } from "./palette.svelte";
import { mine } from "./people/mine.svelte";
import { PAGES } from "./pages/pages";
import { theme } from "./theme.svelte";
import { usual } from "./usual.svelte";
import { TABS, tabOf } from "./workspace/tabs";

theme.begin();
const { page } = link.route;
if (page === "experiments" && tabOf(link.state.tab) === TABS[0]) opening.begin();
// What the address shows is loaded while the rest is still being set up; whoever shows it says where that fails.
(page === "experiments" ? tabOf(link.state.tab).load : PAGES[page])?.().catch(() => undefined);
void entrance.begin().then(() => {
  live.begin();
  experiments.begin();
  usual.begin();
  flushSync(); // so that the server answers while the page is being made
  void about.begin();
  palette.begin();
  mine.begin();
  const target = document.getElementById("app");
  if (target) mount(App, { target });
});
