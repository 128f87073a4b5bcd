// Which page does the address mean? The head that all pages share, and what stands below it.

import { get } from "./api.js";
import { showDashboard } from "./dashboard.js";
import { fill, h } from "./dom.js";
import { showHome } from "./home.js";
import { showSearch } from "./search.js";
import { read } from "./state.js";

const root = document.documentElement;
const main = document.getElementById("main");
let dashboard = null;
let width = innerWidth;
let waiting = 0;

function head() {
  const { page } = read();
  const link = (href, name, isHere) => h("a", { href, "aria-current": isHere ? "page" : null }, name);
  const words = h("input", { type: "search", name: "q", "aria-label": "Search contents", placeholder: "Search contents", maxlength: 500 });
  const submit = (event) => {
    event.preventDefault();
    const namespace = dashboard?.values().namespace;
    location.assign(`/search?${new URLSearchParams({ q: words.value, ...(namespace ? { "var-namespace": namespace } : {}) })}`);
  };
  const theme = h("button.icon", { type: "button", on: { click: switchTheme } });
  fill(
    document.getElementById("top"),
    h("a.brand", { href: "/" }, h("img", { src: "/static/icon.svg", alt: "", width: 22, height: 22 }), "wakeline"),
    h("nav", { "aria-label": "Pages" }, link("/", "Dashboards", page === "home"), link("/search", "Search", page === "search")),
    h("form.quick", { role: "search", on: { submit }, hidden: page === "search" }, words),
    theme,
  );
  named(theme);
}

function named(button) {
  const other = root.dataset.theme === "light" ? "dark" : "light";
  button.textContent = root.dataset.theme === "light" ? "☾" : "☀";
  button.setAttribute("aria-label", `Switch to the ${other} theme`);
  button.title = `Switch to the ${other} theme`;
}

function switchTheme({ currentTarget }) {
  root.dataset.theme = root.dataset.theme === "light" ? "dark" : "light";
  root.dataset.chosen = root.dataset.theme;
  try {
    localStorage.setItem("wakeline.theme", root.dataset.theme);
  } catch {
    // Storage may be forbidden: the choice then holds for this page.
  }
  named(currentTarget);
  dashboard?.redraw();
}

matchMedia("(prefers-color-scheme: light)").addEventListener("change", ({ matches }) => {
  if (root.dataset.chosen) return;
  root.dataset.theme = matches ? "light" : "dark";
  head();
  dashboard?.redraw();
});

// Charts follow their panels' size by themselves; what is laid out by width is drawn again.
addEventListener("resize", () => {
  clearTimeout(waiting);
  waiting = setTimeout(() => {
    if (Math.abs(innerWidth - width) > 20) dashboard?.redraw();
    width = innerWidth;
  }, 250);
});

async function start() {
  head();
  try {
    const listing = await get("dashboards");
    const { page } = read();
    if (page === "dashboard") {
      dashboard = await showDashboard(main, listing);
      window.wakeline = { dashboard };
    } else if (page === "search") await showSearch(main, listing);
    else await showHome(main, listing);
  } catch (error) {
    fill(main, h("div.failure", { role: "alert" }, h("h1", {}, "This page cannot be shown"), h("p", {}, error.message), h("p", {}, h("a", { href: "/" }, "All dashboards"))));
    if (error.status === undefined) throw error;
  }
  root.dataset.ready = "yes";
}

start();
