// Which line is whose? A list or a table beside a chart; each name is a button that hides or shows its series.

import { h } from "./dom.js";
import { display } from "./fields.js";
import { calculationTitle, isCount, reduce } from "./reduce.js";
import { format } from "./units.js";

/**
 * @param {Array<{title: string, color: string, field: Field, key: string}>} entries
 * @param {object} options the panel's `options.legend`
 * @param {Set<string>} hidden keys of series that are not drawn
 * @param {(key: string, isOnly: boolean) => void} toggle
 */
export function legend(entries, options, hidden, toggle) {
  const calcs = options.calcs ?? [];
  const names = entries.map((entry) => button(entry, hidden, toggle));
  if (options.displayMode !== "table" && !calcs.length) {
    return h("ul.legend", {}, names.map((name) => h("li", {}, name)));
  }
  const head = h("tr", {}, h("th", { scope: "col" }, "Name"), calcs.map((calc) => h("th", { scope: "col" }, calculationTitle(calc))));
  const rows = entries.map((entry, number) => h("tr", {}, h("th", { scope: "row" }, names[number]), calcs.map((calc) => cell(entry, calc))));
  return h("table.legend", {}, h("thead", {}, head), h("tbody", {}, rows));
}

function button({ key, title, color }, hidden, toggle) {
  const isShown = !hidden.has(key);
  const click = (event) => toggle(key, event.ctrlKey || event.metaKey || event.shiftKey);
  return h(
    "button.series", { type: "button", "aria-pressed": String(isShown), title: `${title}\nHide or show; with Ctrl alone`, on: { click } },
    h("span.swatch", { style: { "--color": color }, "aria-hidden": "true" }), title,
  );
}

function cell({ field }, calc) {
  const value = reduce(field.values, calc);
  const text = isCount(calc) && value !== null ? format(value) : display(field, value).text;
  return h("td", { data: { value: value ?? "" } }, text);
}
