// What is there to look at? Dashboards, namespaces and when each has data.

import { get } from "./api.js";
import { fill, h } from "./dom.js";
import { query } from "./links.js";
import { ago, iso } from "./times.js";

export async function showHome(main, { dashboards, defaults }) {
  document.title = "wakeline";
  const named = defaults.namespace ? `?${query({ "var-namespace": defaults.namespace })}` : "";
  const cards = dashboards.map(({ uid, title, description, tags }) => h(
    "li.card", {}, h("h2", {}, h("a", { href: `/d/${uid}${named}` }, title)), h("p", {}, description),
    h("p.tags", {}, (tags ?? []).filter((tag) => tag !== "wakeline").map((tag) => h("span.tag", {}, tag))),
  ));
  const places = h("div", {}, h("p.quiet", {}, "Looking for data"));
  fill(main, h("h1", {}, "Dashboards"), h("ul.cards", {}, cards), h("section", { "aria-labelledby": "namespaces" }, h("h2", { id: "namespaces" }, "Namespaces with data"), places));
  try {
    fill(places, namespaces(await get("namespaces"), dashboards));
  } catch (error) {
    fill(places, h("p.failure", { role: "alert" }, error.message));
  }
}

function namespaces({ values }, dashboards) {
  const [names, firsts, lasts] = values;
  if (!names?.length) return h("p.nothing", {}, "No run is stored yet. Send events, or watch the simulated fleet: wakeline demo.");
  const first = dashboards.find(({ uid }) => uid === "wakeline-fleet") ?? dashboards[0];
  const rows = names.map((name, row) => {
    const to = Math.ceil(lasts[row] / 6e4) * 6e4 + 6e4;
    const isLive = Date.now() - lasts[row] < 6 * 36e5;
    const from = Math.floor(Math.max(firsts[row], lasts[row] - 864e5) / 6e4) * 6e4;
    const range = isLive ? {} : { from, to };
    return h("tr", {}, h("th", { scope: "row" }, first ? h("a", { href: `/d/${first.uid}?${query({ "var-namespace": name, ...range })}` }, name) : name), h("td", {}, iso(firsts[row])), h("td", {}, iso(lasts[row])), h("td", {}, ago(lasts[row])));
  });
  const head = h("tr", {}, ["Namespace", "First run", "Last run", ""].map((name) => h("th", { scope: "col" }, name || h("span.only-read", {}, "How long ago"))));
  return h("div.scrolls.table-box", { tabindex: "0", role: "group", "aria-label": "Namespaces" }, h("table.rows", {}, h("thead", {}, head), h("tbody", {}, rows)));
}
