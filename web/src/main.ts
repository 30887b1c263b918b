import { mount } from "svelte";
import "./tokens.css";
import App from "./App.svelte";
import { enter } from "./login";
import { theme } from "./theme.svelte";

theme.begin();
void enter().then(() => {
  const target = document.getElementById("app");
  if (target) mount(App, { target });
});
