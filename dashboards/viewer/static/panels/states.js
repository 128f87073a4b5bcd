// In which state was each, and when? A row a thing: spans that last until the next value, or a cell a value.

import { byName, color, readableOn } from "../colors.js";
import { h } from "../dom.js";
import { display, seriesColor, timeOf, valueColor } from "../fields.js";
import { stepMs } from "../plot.js";
import { iso, timeTicks, toPlot } from "../times.js";
import { attach, lines } from "../tip.js";

const MOST_ROWS = 100;

/** `state-timeline` */
export function timeline(context) {
  return draw(context, spans);
}

/** `status-history` */
export function history(context) {
  return draw(context, cells);
}

function draw(context, make) {
  const rows = context.frames.flatMap((frame) => {
    const time = timeOf(frame);
    return time ? frame.fields.filter((one) => one !== time && one.kind !== "time" && one.kind !== "other").map((field) => ({ field, time, frame })) : [];
  });
  const found = rows.map((row) => ({ ...row, parts: make(row, context) })).filter(({ parts }) => parts.length);
  if (!found.length) return context.nothing();
  const states = new Map();
  const lists = found.slice(0, MOST_ROWS).map(({ field, frame, time, parts }) => {
    const track = h("div.track", {}, parts.map((part) => span(context, { field, frame, time }, part, states)));
    const told = parts.slice(-3).map(({ shown, start, end }) => `${shown.text} from ${iso(start)} to ${iso(end)}`).join("; ");
    return h("li", {}, h("span.name", { title: field.title }, field.title), track, h("span.only-read", {}, ` lately ${told}`));
  });
  const legend = [...states].map(([text, own]) => h("li", {}, h("span.swatch", { style: { "--color": own }, "aria-hidden": "true" }), text));
  const note = found.length > MOST_ROWS ? h("p.note", {}, `The first ${MOST_ROWS} of ${found.length} are drawn; the table has all.`) : null;
  const showsLegend = context.panel.options?.legend?.showLegend !== false && states.size <= 24;
  context.body.append(h(
    "div.states", {},
    h("ul.state-rows.scrolls", { tabindex: "0", "aria-label": context.title }, lists),
    h("div.state-axis", { "aria-hidden": "true" }, h("span"), h("div.ticks", {}, ticks(context))),
    note, showsLegend && h("ul.legend", { "aria-label": "States" }, legend),
  ));
  return {};
}

// Equal values beside each other are one span; the last one lasts until the range ends.
function spans({ field, time }, { from, to, panel }) {
  const isMerged = panel.options?.mergeValues !== false;
  const found = [];
  field.values.forEach((value, row) => {
    // Another lane has a value at this time; this one goes on as it was.
    if (field.told?.[row] === false) return;
    const start = time.values[row];
    const last = found.at(-1);
    if (last) last.end = start;
    if (last && isMerged && Object.is(last.value, value)) last.end = undefined;
    else found.push({ value, row, start, end: undefined });
    if (found.at(-1).end === undefined) found.at(-1).end = to;
  });
  return finished(found, field, from, to);
}

function cells({ field, time, frame }, { from, to }) {
  const width = stepMs(time.values, frame.intervalMs);
  return finished(field.values.map((value, row) => ({ value, row, start: time.values[row], end: time.values[row] + width })), field, from, to);
}

function finished(found, field, from, to) {
  return found
    .filter(({ value, start, end }) => value !== null && value !== "" && end > from && start < to)
    .map((part) => ({ ...part, shown: display(field, part.value) }));
}

function span(context, { field, frame }, { value, row, start, end, shown }, states) {
  const { from, to } = context;
  const [left, right] = [Math.max(start, from), Math.min(end, to)].map((at) => ((at - from) / (to - from)) * 100);
  const own = stateColor(field, value, shown);
  if (states.size < 25) states.set(shown.text, own);
  const room = ((right - left) / 100) * context.body.clientWidth * 0.78;
  const element = h("div.span", { style: { left: `${left}%`, width: `${Math.max(right - left, 0.15)}%`, "--color": own, color: readableOn(own) } }, room > [...shown.text].length * 6.8 + 10 ? h("span", { "aria-hidden": "true" }, shown.text) : null);
  attach(element, () => [h("strong", {}, field.title), lines([["State", shown.text], ["From", iso(start)], ["To", iso(end)]])]);
  const links = context.linksFor({ field, frame, row, value });
  if (links.length) {
    element.classList.add("is-linked");
    element.addEventListener("click", (event) => context.offer(event, [{ field, frame, row }]));
  }
  return element;
}

function stateColor(field, value, shown) {
  if (shown.isMapped && shown.color) return shown.color;
  const mode = field.config.color?.mode;
  if (mode === "thresholds" && field.kind === "number") return valueColor(field, value);
  if (mode === "fixed") return seriesColor(field);
  if (value === true) return color("green");
  return value === false ? color("red") : byName(shown.text);
}

function ticks({ from, to, body }) {
  const [start, end] = [toPlot(from), toPlot(to)];
  // A text at the very end would stand outside.
  const found = timeTicks(start, end, Math.max(2, Math.floor((body.clientWidth * 0.8) / 75))).filter(({ at }) => at < end - (end - start) * 0.03);
  return found.map(({ at, text }) => h("span", { style: { left: `${((at - start) / (end - start)) * 100}%` } }, text));
}
