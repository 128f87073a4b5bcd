// Numbers over time: lines, areas, points or bars, stacked or not, with thresholds and what happened meanwhile.

import { byThresholds, color, rgba } from "../colors.js";
import { h } from "../dom.js";
import { display, numbersOf, seriesColor, timeOf } from "../fields.js";
import { legend } from "../legend.js";
import { marks, shapesOf } from "../marks.js";
import { clear, draw as plot, ends, plain, stepMs, timeAxis, valueAxis } from "../plot.js";
import { fromPlot, toPlot } from "../times.js";

const FEW_POINTS = 40;
const TOP = 8;
const BOTTOM = 26;
const RIGHT = 12;

export function draw(context) {
  const all = context.frames.flatMap((frame) => {
    const time = timeOf(frame);
    return time ? numbersOf(frame).map((field) => ({ field, frame, time, key: `${frame.ref}/${field.title}`, title: field.title, color: seriesColor(field) })) : [];
  });
  if (!all.length || !all.some(({ field }) => field.values.some((value) => value !== null))) return context.nothing();
  const options = context.panel.options?.legend ?? {};
  const shown = all.filter(({ key }) => !context.hidden.has(key));
  const chart = h("div.chart");
  const holder = h("div.holder", {}, chart);
  const isRight = options.placement === "right" && context.body.clientWidth >= 560;
  const list = options.showLegend === false || options.displayMode === "hidden" ? null : legend(all, options, context.hidden, context.toggle(all.map(({ key }) => key)));
  context.body.append(h(`div.with-legend.${isRight ? "is-right" : "is-below"}`, {}, holder, list && h("div.legend-box", { tabindex: "0", role: "group", "aria-label": `Series of ${context.title}` }, list)));
  return { ready: render(context, chart, holder, shown), clear: () => clear(chart) };
}

async function render(context, chart, holder, shown) {
  const custom = shown[0]?.field.config.custom ?? {};
  const config = shown[0]?.field.config ?? {};
  const stacking = custom.stacking?.mode ?? "none";
  const isBars = shown.some(({ field }) => field.config.custom?.drawStyle === "bars");
  const isPercent = stacking === "percent";
  const isLog = custom.scaleDistribution?.type === "log";
  const [low, high] = isPercent ? [0, 1] : ends(heights(shown, stacking), config, custom, { fromZero: !isLog && (custom.axisSoftMin === 0 || isBars || stacking !== "none") });
  const room = Math.max(3, Math.round(holder.clientHeight / 42));
  const left = valueAxis(isLog ? Math.max(low, smallest(shown)) : low, high, { unit: isPercent ? "percentunit" : config.unit, decimals: config.decimals, isLog, room });
  const range = [toPlot(context.from), toPlot(context.to)];
  const traces = ordered(shown).flatMap((one) => trace(one, stacking));
  const layout = {
    xaxis: timeAxis(...range, holder.clientWidth - left.width),
    yaxis: left.axis,
    barmode: stacking === "none" ? "group" : "relative",
    barnorm: isPercent && isBars ? "fraction" : "",
    bargap: 0.08,
    hovermode: context.panel.options?.tooltip?.mode === "single" ? "closest" : "x unified",
    dragmode: "zoom",
    margin: { l: left.width, r: RIGHT, t: TOP, b: BOTTOM },
    shapes: [...shapesOf(context.annotations, context), ...limits(config, custom, high)],
  };
  layout.xaxis.fixedrange = false;
  await plot(chart, traces, layout, `${context.title}: ${shown.length} series over time. The menu of this panel has it as a table.`);
  chart.removeAllListeners?.("plotly_relayout");
  chart.on("plotly_relayout", (event) => {
    const ends = event["xaxis.range"] ?? [event["xaxis.range[0]"], event["xaxis.range[1]"]];
    if (ends[0] !== undefined) context.zoom(fromPlot(ends[0]), fromPlot(ends[1]));
  });
  chart.removeAllListeners?.("plotly_click");
  chart.on("plotly_click", ({ points, event }) => {
    const found = points.map((point) => point.data.meta).filter(Boolean);
    const row = points[0]?.customdata?.[1];
    if (found.length && row !== undefined) context.offer(event, found.map(({ field, frame }) => ({ field, frame, row })));
  });
  marks(holder, context, { left: left.width, right: RIGHT, bottom: BOTTOM });
}

function smallest(shown) {
  let found = Infinity;
  for (const { field } of shown) for (const value of field.values) if (value > 0 && value < found) found = value;
  return Number.isFinite(found) ? found : 1e-3;
}

// What an axis must hold: sums where series stand on each other.
function heights(shown, stacking) {
  if (stacking === "none") return shown.flatMap(({ field }) => field.values);
  const up = new Map();
  const down = new Map();
  for (const { field, time } of shown) {
    field.values.forEach((value, row) => {
      const sums = value < 0 ? down : up;
      sums.set(time.values[row], (sums.get(time.values[row]) ?? 0) + (value ?? 0));
    });
  }
  return [...up.values(), ...down.values()];
}

// A band is filled from its upper line down to the lower one, which must come right before it.
function ordered(shown) {
  const names = new Map(shown.map((one) => [one.field.title, one]).concat(shown.map((one) => [one.field.name, one])));
  const bands = shown.filter(({ field }) => names.has(field.config.custom?.fillBelowTo));
  const lower = new Set(bands.map(({ field }) => names.get(field.config.custom.fillBelowTo)));
  const rest = shown.filter((one) => !bands.includes(one) && !lower.has(one));
  return [...bands.flatMap((one) => [names.get(one.field.config.custom.fillBelowTo), { ...one, isBand: true }]), ...rest];
}

function trace({ field, frame, time, title, color: own, isBand }, stacking) {
  const custom = field.config.custom ?? {};
  const isBars = custom.drawStyle === "bars";
  const hover = field.values.map((value) => `${plain(title)}  ${plain(display(field, value).text)}`);
  const common = {
    name: plain(title),
    x: time.values.map(toPlot),
    y: field.values.map((value) => (value === null ? null : Number(value))),
    customdata: hover.map((text, row) => [text, row]),
    hovertemplate: "%{customdata[0]}<extra></extra>",
    meta: { field, frame },
  };
  if (isBars) {
    // A bucket is named by its beginning, so its bar begins there.
    return { ...common, type: "bar", width: stepMs(time.values, frame.intervalMs), offset: 0, marker: { color: rgba(own, Math.max((custom.fillOpacity ?? 70) / 100, 0.35)), line: { width: 0 } } };
  }
  const points = custom.showPoints ?? "auto";
  const isFew = field.values.length <= FEW_POINTS;
  const size = custom.pointSize ?? 5;
  const sizes = field.values.map((value, row) => (points === "always" || custom.drawStyle === "points" || (points === "auto" && isFew) || isAlone(field.values, row) ? size : 0));
  return {
    ...common,
    type: "scatter",
    mode: custom.drawStyle === "points" ? "markers" : "lines+markers",
    line: { color: own, width: custom.lineWidth ?? 1, shape: SHAPES[custom.lineInterpolation] ?? "linear", dash: dash(custom.lineStyle) },
    marker: { color: own, size: sizes, line: { width: 0 } },
    connectgaps: custom.spanNulls === true,
    ...(stacking !== "none" ? { stackgroup: custom.stacking.group ?? "A", groupnorm: stacking === "percent" ? "fraction" : "" } : {}),
    ...(isBand ? { fill: "tonexty" } : custom.fillOpacity > 0 && stacking === "none" ? { fill: "tozeroy" } : {}),
    fillcolor: rgba(own, (custom.fillOpacity ?? 0) / 100 || (isBand ? 0.15 : 0)),
  };
}

const SHAPES = { stepAfter: "hv", stepBefore: "vh", smooth: "spline" };

function dash(style) {
  if (style?.fill === "dash") return "dash";
  return style?.fill === "dot" ? "dot" : "solid";
}

// Neither neighbour has a value: a line alone would not show it.
function isAlone(values, row) {
  return values[row] !== null && (values[row - 1] ?? null) === null && (values[row + 1] ?? null) === null;
}

function limits(config, custom, high) {
  const mode = custom.thresholdsStyle?.mode ?? "off";
  if (mode === "off") return [];
  const steps = (config.thresholds?.steps ?? []).filter(({ value }) => value !== null && value !== undefined && value <= high);
  return steps.map(({ value, color: name }) => ({
    type: "line", xref: "paper", x0: 0, x1: 1, y0: value, y1: value, layer: "below",
    line: { color: color(name) ?? byThresholds(config.thresholds, value), width: 1.5, dash: mode.startsWith("dashed") ? "dash" : "dot" },
  }));
}
