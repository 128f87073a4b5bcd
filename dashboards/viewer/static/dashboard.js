// One dashboard: variables, range, panels in their places, and all of it in the address.

import { ask, get, records } from "./api.js";
import { refreshControl, refreshMs, timeControl, variableControls } from "./controls.js";
import { fill, h } from "./dom.js";
import { query, variablesQuery } from "./links.js";
import { Panel } from "./panel.js";
import { read, write } from "./state.js";
import { iso, moment, useZone } from "./times.js";

const TALL_MARGIN = "600px";

class Dashboard {
  constructor(main, model, listing) {
    this.main = main;
    this.model = model;
    this.listing = listing;
    this.variables = [];
    this.found = [];
    this.panels = [];
    this.isEnlarged = read().panel !== null;
    useZone(model.timezone);
    this.chooser = h("div.variables", { role: "group", "aria-label": "Variables" });
    this.times = h("div.times");
    this.notes = h("div.notes");
    this.grid = h("div.sections");
    this.seen = new IntersectionObserver((entries) => this.appeared(entries), { rootMargin: TALL_MARGIN });
    this.links = this.siblings();
    const titles = h("div.titles", {}, h("h1", {}, model.title), model.description && h("p.quiet", {}, model.description));
    fill(main, h("div.dashboard-head", {}, titles, this.links), h("div.controls", {}, this.chooser, this.times), this.notes, this.grid);
    this.place();
  }

  /** Read the address and show what it says. */
  async start() {
    if (await this.resolve()) {
      const moved = read().from === null ? await this.findData() : null;
      if (!moved || (await this.resolve())) this.load();
      if (moved) this.notes.append(moved);
      else this.findData();
    }
    this.timer();
    document.addEventListener("visibilitychange", () => { if (!document.hidden && this.isMissed) this.refresh(); });
  }

  range() {
    const { from, to } = read();
    const asked = { from: from ?? this.model.time?.from ?? "now-6h", to: to ?? this.model.time?.to ?? "now" };
    const ends = [moment(asked.from, false), moment(asked.to, true)];
    if (!ends.includes(null) && ends[0] < ends[1]) return { ...asked, start: ends[0], end: ends[1] };
    return { from: "now-6h", to: "now", start: moment("now-6h", false), end: Date.now(), isWrong: true };
  }

  /** Ask everything again. */
  async refresh() {
    const isCurrent = await this.resolve();
    if (isCurrent) this.load();
  }

  /** Take range and variables from the address; false when something newer is being asked, or nothing can be. */
  async resolve() {
    this.isMissed = false;
    this.stop?.abort();
    this.stop = new AbortController();
    const { signal } = this.stop;
    this.grid.setAttribute("aria-busy", "true");
    this.now = this.range();
    this.drawTimes();
    try {
      const { variables } = await ask("variables", this.question(read().variables), signal);
      this.variables = variables;
    } catch (error) {
      if (error.name === "AbortError") return false;
      this.grid.removeAttribute("aria-busy");
      fill(this.notes, h("div.failure", { role: "alert" }, h("strong", {}, "Nothing can be asked. "), error.message));
      return false;
    }
    fill(this.notes, this.now.isWrong && h("p.failure", { role: "alert" }, "The range in the address cannot be read; the last 6 hours are shown."));
    this.drawVariables();
    this.drawLinks();
    return true;
  }

  load() {
    this.grid.removeAttribute("aria-busy");
    this.loadAnnotations(this.stop.signal);
    for (const panel of this.panels) {
      panel.isStale = true;
      if (panel.isSeen) this.loadPanel(panel);
    }
  }

  loadPanel(panel) {
    panel.isStale = false;
    return panel.load();
  }

  appeared(entries) {
    for (const { target, isIntersecting } of entries) {
      const panel = this.panels.find(({ element }) => element === target);
      panel.isSeen = isIntersecting;
      if (isIntersecting && panel.isStale) this.loadPanel(panel);
    }
  }

  async loadAnnotations(signal) {
    if (!this.model.annotations?.list?.some((one) => one.enable && one.target)) return;
    try {
      const { annotations } = await ask("annotations", this.question(), signal);
      this.found = annotations.filter((one) => !one.error);
      const failed = annotations.filter((one) => one.error);
      this.notes.append(...failed.map(({ name, error }) => h("p.failure", { role: "alert" }, `The annotations ${name} failed: ${error}`)));
    } catch (error) {
      if (error.name === "AbortError") return;
      this.notes.append(h("p.failure", { role: "alert" }, `Annotations failed: ${error.message}`));
    }
    for (const panel of this.panels) if (panel.model.type === "timeseries" && panel.state === "drawn") panel.draw();
  }

  // A namespace of the past (a demonstration, a replay) has nothing in the last hours. Without a range in the address,
  // go where its data is and return a note that says so; with one, offer it.
  async findData() {
    const { namespace } = this.values();
    if (typeof namespace !== "string" || !namespace) return null;
    const found = await this.extent(namespace);
    if (!found || (found.last >= this.now.start && found.first <= this.now.end)) return null;
    const from = String(Math.floor(Math.max(found.first, found.last - 864e5) / 6e4) * 6e4);
    const to = String(Math.ceil(found.last / 6e4) * 6e4 + 6e4);
    if (read().from === null) {
      write({ from, to }, { replace: true });
      return h("p.note", {}, `Nothing ran in ${namespace} lately; this is when something last did.`);
    }
    this.notes.append(h("p.note", {}, `Nothing ran in ${namespace} in this range. `, h("button", { type: "button", on: { click: () => this.change({ from, to }) } }, `Show ${iso(Number(from), false)} – ${iso(Number(to), false)}`)));
    return null;
  }

  async extent(namespace) {
    try {
      const [found] = records(await ask("extent", { namespace }));
      return found?.runs ? found : null;
    } catch (error) {
      this.notes.append(h("p.failure", { role: "alert" }, error.message));
      return null;
    }
  }

  values() {
    return Object.fromEntries(this.variables.map(({ name, value }) => [name, value]));
  }

  question(variables = this.values()) {
    return { dashboard: this.model.uid, start_ms: Math.round(this.now.start), end_ms: Math.round(this.now.end), variables };
  }

  scope() {
    return { variables: this.values(), from: this.now.start, to: this.now.end };
  }

  /** Change the address, and show what it says then. */
  change(changes) {
    write(changes);
    this.refresh();
    this.timer();
  }

  // Range and refresh are drawn when they change, so that a sheet which is open stays open while numbers are asked.
  drawTimes() {
    const every = read().refresh ?? this.model.refresh ?? "";
    const key = [this.now.from, this.now.to, every].join(" ");
    if (key === this.drawnTimes) return;
    this.drawnTimes = key;
    fill(this.times, timeControl(this.now, (from, to) => this.change({ from, to })), refreshControl(every, () => this.refresh(), (text) => this.change({ refresh: text })));
  }

  drawVariables() {
    const choose = async (name, value) => {
      write({ [`var-${name}`]: value });
      await this.refresh();
      if (name === "namespace") this.findData();
    };
    if (this.chooser.querySelector(this.isTimed ? "details[open], input:focus" : "details[open]")) return;
    const focused = this.chooser.contains(document.activeElement) ? document.activeElement.closest("[data-variable]")?.dataset.variable : null;
    fill(this.chooser, variableControls(this.variables, choose));
    if (focused) this.chooser.querySelector(`[data-variable="${CSS.escape(focused)}"] :is(summary, select, input)`)?.focus();
  }

  drawLinks() {
    const links = this.siblings();
    this.links.replaceWith(links);
    this.links = links;
  }

  timer() {
    clearInterval(this.ticking);
    const every = refreshMs(read().refresh ?? this.model.refresh);
    if (!every || !this.now.to.startsWith("now")) return;
    this.ticking = setInterval(async () => {
      if (document.hidden) {
        this.isMissed = true;
        return;
      }
      this.isTimed = true;
      await this.refresh();
      this.isTimed = false;
    }, every);
  }

  siblings() {
    const { from, to } = read();
    const found = [];
    for (const link of this.model.links ?? []) {
      const parts = [link.includeVars && variablesQuery(this.values()), link.keepTime && query({ from, to })].filter(Boolean).join("&");
      if (link.type === "dashboards") {
        const those = this.listing.dashboards.filter(({ tags }) => (link.tags ?? []).every((tag) => (tags ?? []).includes(tag)));
        found.push(...those.map(({ uid, title }) => h("li", {}, h("a", { href: `/d/${uid}${parts ? `?${parts}` : ""}`, "aria-current": uid === this.model.uid ? "page" : null }, title))));
      }
    }
    return h("nav.siblings", { "aria-label": "Dashboards" }, h("ul", {}, found));
  }

  // -- places

  place() {
    const only = read().panel;
    let section = null;
    for (const model of this.model.panels ?? []) {
      if (only !== null) {
        for (const one of [model, ...(model.panels ?? [])]) if (String(one.id) === only) this.alone(one);
        continue;
      }
      if (model.type === "row") section = this.row(model);
      else {
        section ??= this.section();
        this.add(model, section);
      }
    }
    if (only !== null && !this.panels.length) this.grid.append(h("p.failure", {}, `There is no panel ${only} here.`));
  }

  alone(model) {
    const section = this.section();
    this.add({ ...model, gridPos: { x: 0, y: 0, w: 24, h: 20 } }, section);
    section.grid.classList.add("is-enlarged");
  }

  section(head = null) {
    const grid = h("div.grid");
    const section = { grid, top: null };
    this.grid.append(h("div.section", {}, head, grid));
    return section;
  }

  row(model) {
    const isClosed = Boolean(model.collapsed);
    const button = h("button.row-head", { type: "button", "aria-expanded": String(!isClosed) }, h("span", { "aria-hidden": "true" }, "▾"), model.title || "Row");
    const section = this.section(h("h2.row-title", {}, button));
    section.grid.hidden = isClosed;
    button.addEventListener("click", () => {
      section.grid.hidden = !section.grid.hidden;
      button.setAttribute("aria-expanded", String(!section.grid.hidden));
    });
    for (const inner of model.panels ?? []) this.add(inner, section);
    return section;
  }

  add(model, section) {
    const panel = new Panel(model, {
      isEnlarged: this.isEnlarged,
      question: () => this.question(), scope: () => this.scope(), annotations: () => this.found,
      zoom: (from, to) => this.change({ from: String(Math.round(from)), to: String(Math.round(to)) }),
      enlarge: (id) => { write({ viewPanel: this.isEnlarged ? null : String(id) }); location.reload(); },
    });
    const { x = 0, y = 0, w = 24, h: high = 8 } = model.gridPos ?? {};
    section.top ??= y;
    for (const [name, value] of Object.entries({ "--x": x + 1, "--y": y - section.top + 1, "--w": w, "--h": high })) panel.element.style.setProperty(name, value);
    if (w <= 8 && high <= 6) panel.element.classList.add("is-small");
    panel.isStale = false;
    this.panels.push(panel);
    section.grid.append(panel.element);
    this.seen.observe(panel.element);
  }

  /** Draw all panels again, without asking. */
  redraw() {
    for (const panel of this.panels) if (panel.state !== "waiting") panel.draw();
  }
}

/** Show the dashboard that the address names. */
export async function showDashboard(main, listing) {
  const model = await get(`dashboards/${encodeURIComponent(read().uid)}`);
  document.title = `${model.title} – wakeline`;
  const dashboard = new Dashboard(main, model, listing);
  window.addEventListener("popstate", () => { dashboard.refresh(); dashboard.timer(); });
  await dashboard.start();
  return dashboard;
}
