// Numbers by name: vertical or horizontal bars, beside or upon each other. Also counts by size: a histogram.

import { rgba } from "../colors.js";
import { h } from "../dom.js";
import { display, numbersOf, seriesColor, valueColor } from "../fields.js";
import { legend } from "../legend.js";
import { clear, draw as plot, ends, nameAxis, niceTicks, plain, valueAxis } from "../plot.js";
import { format } from "../units.js";

const MOST_BARS = 60;

/** `barchart`: the first text or time names the bars. */
export function barchart(context) {
  const frame = context.frames.find((one) => one.length > 0);
  if (!frame) return context.nothing();
  const options = context.panel.options ?? {};
  const named = frame.fields.find((one) => one.name === options.xField) ?? frame.fields.find((one) => one.kind !== "number") ?? null;
  const numbers = numbersOf(frame).filter((one) => one !== named);
  if (!numbers.length) return context.nothing();
  const rows = Math.min(frame.length, MOST_BARS);
  const names = Array.from({ length: rows }, (_, row) => (named ? display(named, named.values[row]).text : String(row + 1)));
  const isWide = context.body.clientWidth > 480;
  const longest = Math.max(...names.map((name) => [...name].length));
  const isHorizontal = options.orientation === "horizontal" || ((options.orientation ?? "auto") === "auto" && longest * rows * 7 > context.body.clientWidth);
  const series = numbers.map((field) => ({ field, frame, key: field.title, title: field.title, color: seriesColor(field) }));
  return drawn(context, { series, names, rows, isHorizontal, stacking: options.stacking ?? "none", length: isWide ? 30 : 16, frame });
}

/** `histogram`: counts that the query made (`xMin`, `xMax`), or of the values themselves. */
export function histogram(context) {
  const frame = context.frames.find((one) => one.length > 0);
  if (!frame) return context.nothing();
  const low = frame.fields.find((one) => ["xmin", "bucketmin", "lower"].includes(one.name.toLowerCase()));
  const high = frame.fields.find((one) => ["xmax", "bucketmax", "upper"].includes(one.name.toLowerCase()));
  const numbers = numbersOf(frame).filter((one) => one !== low && one !== high);
  if (!numbers.length) return context.nothing();
  if (low && high) {
    const names = low.values.map((value, row) => `${display(low, value).text} – ${display(high, high.values[row]).text}`);
    const series = numbers.map((field) => ({ field, frame, key: field.title, title: field.title, color: seriesColor(field) }));
    return drawn(context, { series, names, rows: names.length, isHorizontal: false, stacking: "none", length: 18, frame, isTouching: true });
  }
  const values = numbers.flatMap((field) => field.values).filter((value) => typeof value === "number" && Number.isFinite(value));
  if (!values.length) return context.nothing();
  const edges = edgesOf(values, context.panel.options ?? {});
  const names = edges.slice(1).map((edge, number) => `${display(numbers[0], edges[number]).text} – ${display(numbers[0], edge).text}`);
  const series = numbers.map((field) => {
    const counts = new Array(names.length).fill(0);
    for (const value of field.values) {
      if (typeof value === "number" && Number.isFinite(value)) counts[place(edges, value)] += 1;
    }
    const counted = { ...field, values: counts, config: { ...field.config, unit: "short", decimals: 0, mappings: [] } };
    return { field: counted, frame, key: field.title, title: field.title, color: seriesColor(field) };
  });
  return drawn(context, { series, names, rows: names.length, isHorizontal: false, stacking: "none", length: 18, frame, isTouching: true });
}

function edgesOf(values, { bucketSize, bucketCount = 30 }) {
  const least = values.reduce((one, two) => Math.min(one, two));
  const greatest = values.reduce((one, two) => Math.max(one, two));
  const step = bucketSize > 0 ? bucketSize : (() => {
    const ticks = niceTicks(least, greatest, bucketCount);
    return ticks.length > 1 ? ticks[1] - ticks[0] : Math.abs(least) || 1;
  })();
  const first = Math.floor(least / step);
  const count = Math.min(Math.floor(greatest / step) - first + 1, 400);
  return Array.from({ length: count + 1 }, (_, number) => Number(((first + number) * step).toPrecision(12)));
}

function place(edges, value) {
  const step = edges[1] - edges[0];
  return Math.min(Math.max(Math.floor((value - edges[0]) / step + 1e-9), 0), edges.length - 2);
}

function drawn(context, given) {
  const { series, names, rows, frame, isHorizontal } = given;
  const chart = h("div.chart");
  const options = context.panel.options?.legend ?? {};
  const isShown = options.showLegend !== false && options.displayMode !== "hidden" && series.length > 1;
  const list = isShown ? legend(series, options, context.hidden, context.toggle(series.map(({ key }) => key))) : null;
  const cut = frame.length > rows && rows === MOST_BARS ? h("p.note", {}, `The first ${rows} of ${frame.length} are drawn; the table has all.`) : null;
  // Bars need room to be told apart; the panel scrolls when there are more than it holds.
  const height = isHorizontal ? `${Math.max(rows * Math.max(18, 12 * series.length) + 34, 60)}px` : "100%";
  const holder = h("div.holder.scrolls", { tabindex: isHorizontal ? "0" : null, role: isHorizontal ? "group" : null, "aria-label": isHorizontal ? context.title : null }, chart);
  chart.style.setProperty("min-height", height);
  context.body.append(h("div.with-legend.is-below", {}, holder, cut, list && h("div.legend-box", {}, list)));
  return { ready: render(context, chart, given), clear: () => clear(chart) };
}

async function render(context, chart, { series, names, rows, isHorizontal, stacking, length, frame, isTouching = false }) {
  const shown = series.filter(({ key }) => !context.hidden.has(key));
  const { config } = series[0].field;
  const heights = stacking === "none" ? shown.flatMap(({ field }) => field.values.slice(0, rows)) : names.map((_, row) => shown.reduce((sum, { field }) => sum + (field.values[row] ?? 0), 0));
  const [low, high] = stacking === "percent" ? [0, 1] : ends(heights, config, config.custom);
  const unit = stacking === "percent" ? "percentunit" : config.unit;
  const values = valueAxis(low, high, { unit, decimals: config.decimals, room: isHorizontal ? 5 : Math.max(3, Math.round(chart.clientHeight / 42)) });
  const labels = nameAxis(names, length);
  if (isHorizontal) labels.range.reverse();
  else thin(labels, chart.clientWidth, Math.min(length, Math.max(...names.map((name) => name.length))));
  const places = names.map((_, number) => number);
  const bySteps = series.length === 1 && series[0].field.config.color?.mode === "thresholds" && (config.thresholds?.steps ?? []).length > 1;
  const traces = shown.map(({ field, title, color }) => {
    const numbers = field.values.slice(0, rows).map((value) => (value === null ? null : Number(value)));
    return {
      type: "bar", name: plain(title), orientation: isHorizontal ? "h" : "v",
      x: isHorizontal ? numbers : places, y: isHorizontal ? places : numbers,
      customdata: numbers.map((value, row) => [`${plain(names[row])}<br>${plain(title)}  ${plain(display(field, value).text)}`, row]),
      hovertemplate: "%{customdata[0]}<extra></extra>",
      marker: { color: bySteps ? numbers.map((value) => valueColor(field, value)) : rgba(color, 0.85), line: { width: 0 } },
      meta: { field, frame },
    };
  });
  const longest = Math.min(length, Math.max(...names.map((name) => [...name].length)));
  const margin = isHorizontal ? { l: Math.min(longest * 6.4 + 12, chart.clientWidth * 0.45), b: 24 } : { l: values.width, b: 26 };
  await plot(chart, traces, {
    xaxis: isHorizontal ? values.axis : labels, yaxis: isHorizontal ? labels : values.axis,
    barmode: stacking === "none" ? "group" : "relative", barnorm: stacking === "percent" ? "fraction" : "",
    bargap: isTouching ? 0.04 : 0.25, hovermode: "closest", margin,
  }, `${context.title}: bars for ${names.length} names. The menu of this panel has them as a table.`);
  chart.removeAllListeners?.("plotly_click");
  chart.on("plotly_click", ({ points, event }) => context.offer(event, points.map((point) => ({ ...point.data.meta, row: point.customdata[1] }))));
}

// As many names as fit beside each other.
function thin(axis, width, length) {
  const room = Math.max(1, Math.floor(width / (length * 6.6 + 10)));
  const every = Math.ceil(axis.tickvals.length / room);
  axis.ticktext = axis.ticktext.filter((_, number) => number % every === 0);
  axis.tickvals = axis.tickvals.filter((_, number) => number % every === 0);
}

/** `piechart`: parts of a whole, with what each is. */
export function piechart(context) {
  const parts = context.singles().filter(({ value }) => typeof value === "number" && value > 0);
  const rest = context.singles().length - parts.length;
  if (!parts.length) return context.nothing();
  const chart = h("div.chart");
  const options = context.panel.options ?? {};
  const colors = parts.map(({ field }, number) => (parts.length === 1 || field.config.color?.mode === "fixed" ? seriesColor(field) : context.paletteOf(number)));
  const whole = parts.reduce((sum, { value }) => sum + value, 0);
  const rows = parts.map((part, number) => h(
    "tr", {}, h("th", { scope: "row" }, h("span.swatch", { style: { "--color": colors[number] }, "aria-hidden": "true" }), context.linked(part, part.title)),
    h("td", { data: { value: part.value } }, display(part.field, part.value).text), h("td", {}, format(part.value / whole, "percentunit", 1)),
  ));
  const head = h("thead.only-read", {}, h("tr", {}, ["Name", "Value", "Share"].map((name) => h("th", { scope: "col" }, name))));
  const note = rest > 0 ? h("p.note", {}, `${rest} without a value or 0`) : null;
  const isRight = context.body.clientWidth >= 420;
  context.body.append(h(`div.with-legend.${isRight ? "is-right" : "is-below"}`, {}, h("div.holder", {}, chart), h("div.legend-box", { tabindex: "0", role: "group", "aria-label": `Parts of ${context.title}` }, h("table.legend", {}, head, h("tbody", {}, rows)), note)));
  const trace = {
    type: "pie", values: parts.map(({ value }) => value), labels: parts.map(({ title }, number) => `${plain(title)}${"\u200b".repeat(number)}`),
    hole: options.pieType === "donut" ? 0.6 : 0, sort: false, direction: "clockwise", textinfo: "percent", textposition: "inside", insidetextorientation: "horizontal",
    marker: { colors, line: { width: 1, color: getComputedStyle(document.documentElement).getPropertyValue("--panel").trim() } },
    customdata: parts.map(({ title, field, value }) => `${plain(title)}  ${plain(display(field, value).text)}`), hovertemplate: "%{customdata}<br>%{percent}<extra></extra>",
  };
  const ready = plot(chart, [trace], { margin: { l: 6, r: 6, t: 6, b: 6 }, uniformtext: { minsize: 10, mode: "hide" } }, `${context.title}: ${parts.length} parts of a whole; the list beside says which.`);
  return { ready, clear: () => clear(chart) };
}
