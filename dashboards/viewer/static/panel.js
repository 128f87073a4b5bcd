// One panel: its title, its menu, its questions, and what is drawn of the answers. Knows nothing of other panels.

import { ask } from "./api.js";
import { palette } from "./colors.js";
import { fill, fresh, h, tell } from "./dom.js";
import { display, expression, framesOf } from "./fields.js";
import { attributes, interpolate, linksOf } from "./links.js";
import { happenings } from "./marks.js";
import { barchart, histogram, piechart } from "./panels/bars.js";
import { draw as heatmap } from "./panels/heatmap.js";
import { draw as logs } from "./panels/logs.js";
import { draw as nodeGraph } from "./panels/nodegraph.js";
import { bargauge, gauge, stat } from "./panels/numbers.js";
import { history, timeline } from "./panels/states.js";
import { alternative, csv, draw as table } from "./panels/table.js";
import { draw as text } from "./panels/text.js";
import { draw as timeseries } from "./panels/timeseries.js";
import { draw as traces } from "./panels/traces.js";
import { singles } from "./reduce.js";
import { attach, hide } from "./tip.js";

const KINDS = {
  stat, gauge, bargauge, timeseries, barchart, piechart, histogram, heatmap, table, "state-timeline": timeline, "status-history": history, nodeGraph, traces, logs, text,
};

export class Panel {
  /**
   * @param {object} model of the dashboard's JSON
   * @param {object} page what a panel may ask of its dashboard: `question()`, `scope()`, `annotations()`, `zoom()`,
   *   `enlarge()`
   */
  constructor(model, page) {
    this.model = model;
    this.page = page;
    this.hidden = new Set();
    this.answers = [];
    this.isTable = false;
    this.drawing = null;
    this.state = "waiting";
    this.build();
  }

  build() {
    const { model } = this;
    const id = fresh("panel");
    const isText = model.type === "text";
    this.title = h("h2", { id, title: model.title }, model.title ?? "");
    this.body = h("div.panel-body");
    const info = model.description ? h("button.icon", { type: "button", "aria-label": `About this panel: ${model.description}` }, "i") : null;
    if (info) attach(info, () => h("p", {}, model.description));
    this.element = h(
      `section.panel.kind-${model.type}`, { "aria-labelledby": id, data: { panel: model.id, kind: model.type } },
      h("div.panel-head", {}, this.title, info, isText ? null : this.menu()),
      this.body,
    );
    if (isText && !model.title) this.element.classList.add("is-untitled");
  }

  menu() {
    const item = (name, work) => h("button", { type: "button", role: "menuitem", on: { click: () => { this.closeMenu(true); work(); } } }, name);
    this.tableItem = item("View as table", () => this.switchTable());
    const items = [this.tableItem, item("Download as CSV", () => this.download()), item("Show the SQL", () => this.showSql()), item(this.page.isEnlarged ? "Back to the dashboard" : "Enlarge", () => this.page.enlarge(this.model.id))];
    this.menuButton = h("button.icon", { type: "button", "aria-haspopup": "menu", "aria-expanded": "false", "aria-label": `Menu of ${this.model.title || "this panel"}`, on: { click: () => this.openMenu() } }, "⋮");
    this.menuList = h("div.menu", { role: "menu", hidden: true, on: { keydown: (event) => this.menuKey(event, items), focusout: (event) => { if (!this.menuList.contains(event.relatedTarget) && event.relatedTarget !== this.menuButton) this.closeMenu(); } } }, items);
    return h("div.menu-box", {}, this.menuButton, this.menuList);
  }

  openMenu() {
    const isOpen = this.menuList.hidden;
    this.menuList.hidden = !isOpen;
    this.menuButton.setAttribute("aria-expanded", String(isOpen));
    if (isOpen) this.menuList.firstElementChild.focus();
  }

  closeMenu(isFocused = false) {
    this.menuList.hidden = true;
    this.menuButton.setAttribute("aria-expanded", "false");
    if (isFocused) this.menuButton.focus();
  }

  menuKey(event, items) {
    const at = items.indexOf(document.activeElement);
    const to = { ArrowDown: items[(at + 1) % items.length], ArrowUp: items.at(at - 1), Home: items[0], End: items.at(-1) }[event.key];
    if (event.key === "Escape") this.closeMenu(true);
    else if (to) to.focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** Ask again, and draw what comes. */
  async load() {
    this.stop?.abort();
    this.stop = new AbortController();
    const { signal } = this.stop;
    this.element.setAttribute("aria-busy", "true");
    const targets = (this.model.targets ?? []).filter((target) => !target.hide && target.rawSql);
    const points = Math.max(100, Math.round(this.body.clientWidth || 600));
    try {
      const answers = await Promise.all(targets.map(async ({ refId }) => ({ ref: refId, answer: await ask("panel", { ...this.page.question(), panel: this.model.id, ref: refId, points }, signal) })));
      if (signal.aborted) return;
      this.answers = answers;
      this.error = null;
    } catch (error) {
      if (signal.aborted || error.name === "AbortError") return;
      this.error = error;
    }
    this.element.removeAttribute("aria-busy");
    await this.draw();
  }

  /** Draw the answers that are there: again after a change of theme or size. */
  async draw() {
    hide();
    this.title.textContent = interpolate(this.model.title || "", this.page.scope());
    this.drawing?.clear?.();
    this.drawing = null;
    const isFocused = this.body.contains(document.activeElement);
    fill(this.body);
    if (this.error) {
      this.state = "failed";
      this.body.append(h("div.failure", { role: "alert" }, h("strong", {}, "The question failed"), h("pre", {}, this.error.message)));
    } else {
      this.state = "drawn";
      const context = this.context();
      const render = this.isTable ? alternative : KINDS[this.model.type];
      this.drawing = render ? render(context) : this.unknown();
      for (const frame of context.frames.filter(({ isCut }) => isCut)) this.body.append(h("p.note", {}, `The first ${frame.length.toLocaleString("en")} rows are shown; there are more.`));
      await this.drawing?.ready;
    }
    if (isFocused) (this.body.querySelector("button, a, [tabindex]") ?? this.menuButton)?.focus();
    this.element.dataset.state = this.state;
  }

  unknown() {
    this.state = "failed";
    this.body.append(h("p.failure", {}, `This viewer does not draw panels of the kind ${this.model.type}; the menu has the table.`));
    return {};
  }

  context() {
    const { page, model, body } = this;
    const scope = page.scope();
    const frames = framesOf(model, this.answers, (template, more) => interpolate(template, { ...scope, ...more }));
    const linksFor = ({ field, frame, row, value }) => {
      const found = value ?? field.values[row];
      return linksOf(field.config.links, { ...scope, field, frame, row, value: found, text: display(field, found).text });
    };
    return {
      panel: model, body, frames, title: this.title.textContent || model.title || "Panel", from: scope.from, to: scope.to, hidden: this.hidden,
      annotations: happenings(page.annotations()), scope: () => scope, zoom: page.zoom, paletteOf: palette, linksFor, linkList,
      singles: () => singles(frames, model.options, expression),
      nothing: () => this.nothing(),
      toggle: (keys) => (key, isOnly) => this.toggle(keys, key, isOnly),
      linked: (place, content) => {
        const [first, ...more] = linksFor(place);
        if (!first) return content;
        return h("a", { ...attributes(first.href), title: first.title, on: more.length ? { click: (event) => { event.preventDefault(); offer(event, [first, ...more]); } } : {} }, content);
      },
      offer: (event, places) => {
        const links = places.flatMap(linksFor);
        if (links.length) offer(event, links);
      },
    };
  }

  nothing() {
    this.state = "empty";
    const { noValue } = this.model.fieldConfig?.defaults ?? {};
    this.body.append(h("p.nothing", {}, typeof noValue === "string" && /[a-z]{3}/i.test(noValue) ? noValue : "No data"));
    return {};
  }

  toggle(keys, key, isOnly) {
    const isAlone = keys.every((one) => (one === key) !== this.hidden.has(one));
    if (isOnly) {
      this.hidden = new Set(isAlone ? [] : keys.filter((one) => one !== key));
    } else if (this.hidden.has(key)) this.hidden.delete(key);
    else this.hidden.add(key);
    const place = [...this.body.querySelectorAll("button.series")].indexOf(document.activeElement);
    this.draw().then(() => this.body.querySelectorAll("button.series")[place]?.focus());
  }

  switchTable() {
    this.isTable = !this.isTable;
    this.tableItem.textContent = this.isTable ? "View as chart" : "View as table";
    this.draw();
    tell(this.isTable ? "Shown as a table" : "Shown as a chart");
  }

  download() {
    const frames = this.context().frames.filter((frame) => frame.length > 0);
    if (!frames.length) {
      tell("There is nothing to download");
      return;
    }
    const file = new Blob([frames.map(csv).join("\r\n\r\n")], { type: "text/csv" });
    const link = h("a", { href: URL.createObjectURL(file), download: `${(this.model.title || "panel").replace(/[^\w-]+/g, "-").toLowerCase()}.csv` });
    link.click();
    URL.revokeObjectURL(link.href);
  }

  showSql() {
    const texts = this.answers.map(({ ref, answer }) => h("pre", { tabindex: "0" }, this.answers.length > 1 ? `-- ${ref}\n${answer.sql}` : answer.sql));
    const close = h("button", { type: "button", autofocus: true, on: { click: () => dialog.close() } }, "Close");
    const dialog = h("dialog.sql", { "aria-label": `SQL of ${this.model.title}`, on: { close: () => { dialog.remove(); this.menuButton.focus(); } } }, h("h2", {}, this.title.textContent), texts.length ? texts : h("p", {}, this.error ? "The question failed before it was answered." : "This panel asks nothing."), close);
    document.body.append(dialog);
    dialog.showModal();
  }
}

function linkList(links) {
  return links.length ? h("p.links", {}, links.map(({ title, href }) => h("a", attributes(href), title))) : null;
}

// Several links of one place: a small list to choose from; one alone is followed.
function offer(event, links) {
  const unique = [...new Map(links.map((link) => [link.href, link])).values()];
  hide();
  document.querySelector("dialog.offer")?.remove();
  const dialog = h("dialog.offer", { "aria-label": "Where to?", on: { close: () => dialog.remove(), click: (click) => { if (click.target === dialog) dialog.close(); } } }, h("ul", {}, unique.map(({ title, href }) => h("li", {}, h("a", attributes(href), title)))));
  document.body.append(dialog);
  dialog.showModal();
  const place = event.currentTarget?.getBoundingClientRect?.() ?? { left: innerWidth / 2, bottom: innerHeight / 3 };
  const [x, y] = event.clientX > 0 ? [event.clientX, event.clientY] : [place.left, place.bottom];
  dialog.style.setProperty("left", `${Math.max(8, Math.min(x, innerWidth - dialog.offsetWidth - 8))}px`);
  dialog.style.setProperty("top", `${Math.max(8, Math.min(y, innerHeight - dialog.offsetHeight - 8))}px`);
}
