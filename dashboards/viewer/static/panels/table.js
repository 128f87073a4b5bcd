// Rows: sorted by any column, with units, colours and links. Also what stands in for a chart when a table is wanted.

import { color, faded } from "../colors.js";
import { h, fill, tell } from "../dom.js";
import { display, timeOf } from "../fields.js";
import { reduce } from "../reduce.js";

const AT_ONCE = 100;

/** `table` */
export function draw(context) {
  const frames = context.frames.filter((one) => one.length > 0);
  if (!frames.length) return context.nothing();
  context.body.append(...frames.map((frame) => table(context, frame, context.panel.options ?? {})));
  return {};
}

/** What any panel shows, as a table: a frame for each of its questions. */
export function alternative(context) {
  const frames = context.frames.filter((one) => one.length > 0);
  if (!frames.length) return context.nothing();
  context.body.append(...frames.map((frame) => table(context, frame, {})));
  return {};
}

function table(context, frame, options) {
  const fields = frame.fields.filter((one) => !one.config.custom?.hidden && !one.config.custom?.hideFrom?.viz);
  let order = (options.sortBy ?? []).map(({ displayName, desc }) => ({ field: fields.find((one) => [one.title, one.name].includes(displayName)), isDown: desc })).find(({ field }) => field) ?? null;
  let shown = AT_ONCE;
  const body = h("tbody");
  const more = h("button.more", { type: "button", on: { click: () => { shown += AT_ONCE * 5; rows(); } } });
  const heads = fields.map((field) => head(field, () => {
    order = order?.field === field ? (order.isDown ? { field, isDown: false } : null) : { field, isDown: field.kind !== "string" };
    tell(order ? `Sorted by ${field.title}, ${order.isDown ? "greatest first" : "least first"}` : "In the order of the answer");
    rows();
  }));

  function rows() {
    const sorted = sortedRows(frame.length, order);
    fill(body, sorted.slice(0, shown).map((row) => h("tr", {}, fields.map((field, number) => cell(context, frame, field, row, number === 0)))));
    heads.forEach((one, number) => {
      const isThis = order?.field === fields[number];
      one.setAttribute("aria-sort", isThis ? (order.isDown ? "descending" : "ascending") : "none");
    });
    more.hidden = shown >= frame.length;
    more.textContent = `Show more: ${Math.min(shown, frame.length)} of ${frame.length} rows are here`;
  }

  rows();
  const foot = options.footer?.show ? h("tfoot", {}, footer(fields, options.footer)) : null;
  const caption = h("caption.only-read", {}, context.title);
  return h("div.scrolls.table-box", { tabindex: "0", role: "group", "aria-label": `Table: ${context.title}` }, options.showHeader === false ? h("table.rows", {}, caption, body, foot) : h("table.rows", {}, caption, h("thead", {}, h("tr", {}, heads)), body, foot), more);
}

function head(field, sort) {
  const { width, align } = field.config.custom ?? {};
  return h(`th.${side(field, align)}`, { scope: "col", "aria-sort": "none", style: { "min-width": width ? `${width}px` : null } }, h("button.sort", { type: "button", title: `Sort by ${field.title}`, on: { click: sort } }, field.title));
}

function side(field, align) {
  if (align && align !== "auto") return align;
  return field.kind === "number" ? "right" : "left";
}

function sortedRows(length, order) {
  const rows = Array.from({ length }, (_, row) => row);
  if (!order) return rows;
  const { field, isDown } = order;
  const direction = isDown ? -1 : 1;
  // What is missing stands last, whatever the direction.
  return rows.sort((one, two) => {
    const [left, right] = [field.values[one], field.values[two]];
    const isMissing = [left, right].map((value) => value === null || value === undefined || Number.isNaN(value));
    if (isMissing[0] || isMissing[1]) return isMissing[0] - isMissing[1];
    if (typeof left === "number" && typeof right === "number") return (left - right) * direction;
    return String(left).localeCompare(String(right), "en", { numeric: true }) * direction;
  });
}

function cell(context, frame, field, row, isFirst) {
  const value = field.values[row];
  const shown = display(field, value);
  const custom = field.config.custom ?? {};
  const kind = custom.cellOptions?.type ?? custom.displayMode ?? "auto";
  const own = shown.color;
  const style = {};
  if (own && (kind === "color-text" || shown.isMapped)) style.color = own;
  if (own && kind.startsWith("color-background")) style.background = faded(own, 0.3);
  const text = shown.isNull ? h("span.quiet", {}, custom.emptyText ?? emptyCell(field)) : content(context, frame, field, row, shown.text, kind);
  const given = { data: { value: value === null || value === undefined ? "" : typeof value === "object" ? JSON.stringify(value) : value, column: field.name }, style };
  const name = side(field, custom.align) + ([...shown.text].length > 44 ? ".long" : "");
  if (isFirst) return h(`th.${name}`, { ...given, scope: "row" }, text);
  return h(`td.${name}`, given, text);
}

// A panel's text for no value may be a sentence about all of it; in a cell a dash says the same.
function emptyCell(field) {
  const text = field.config.noValue ?? "–";
  return text.length > 12 || text === "0" ? "–" : text;
}

function content(context, frame, field, row, text, kind) {
  const linked = context.linked({ field, frame, row, value: field.values[row] }, text);
  if (kind !== "gauge") return linked;
  const most = field.config.max ?? reduce(field.values, "max") ?? 1;
  const share = Math.min(Math.max(field.values[row] / (most || 1), 0), 1);
  const own = display(field, field.values[row]).color ?? color("blue");
  return h("span.cell-gauge", {}, h("span.track", { "aria-hidden": "true" }, h("span.bar", { style: { width: `${share * 100}%`, "--color": own } })), linked);
}

function footer(fields, { reducer = ["sum"], fields: wanted = [] }) {
  return h("tr", {}, fields.map((field, number) => {
    const counts = field.kind === "number" && (!wanted.length || wanted.includes(field.name));
    const value = counts ? reduce(field.values, reducer[0]) : null;
    return h("td.right", {}, counts ? display(field, value).text : number === 0 ? "All" : "");
  }));
}

/** The same as comma-separated values, times in ISO 8601, numbers in full. */
export function csv(frame) {
  const quoted = (text) => (/[",\n\r]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text);
  const written = (field, value) => {
    if (value === null || value === undefined) return "";
    if (field.kind === "time") return new Date(value).toISOString();
    const text = typeof value === "object" ? JSON.stringify(value) : String(value);
    // A spreadsheet would run a text that begins like a formula.
    return field.kind === "number" ? text : quoted(/^[=+\-@\t\r]/.test(text) ? `'${text}` : text);
  };
  const names = frame.fields.map((field) => (field === timeOf(frame) ? field.name : field.title));
  const rows = Array.from({ length: frame.length }, (_, row) => frame.fields.map((field) => written(field, field.values[row])).join(","));
  return [names.map(quoted).join(","), ...rows].join("\r\n");
}
