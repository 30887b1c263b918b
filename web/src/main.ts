import { mount } from "svelte";
import "./tokens.css";
import App from "./App.svelte";
import { theme } from "./theme.svelte";

theme.begin();
const target = document.getElementById("app");
if (target) mount(App, { target });
