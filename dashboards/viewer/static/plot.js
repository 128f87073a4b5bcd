// How does plotly.js draw on this page? Theme, axes with our units, sizes, and texts that stay texts.

import { color } from "./colors.js";
import { timeTicks } from "./times.js";
import { format } from "./units.js";

// See before-plotly.js.
delete document.getElementById;

const observed = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    if (target.data && target.isConnected && target.clientWidth > 0) window.Plotly.Plots.resize(target);
  }
});

/** A text as Plotly must get it: it reads tags and entities. Bold would be a style attribute, which the policy forbids. */
export function plain(text) {
  return String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}

/** Cut a long name, for axes. */
export function short(text, length = 28) {
  const characters = [...String(text)];
  return characters.length > length ? `${characters.slice(0, length - 1).join("")}…` : String(text);
}

/** Draw, or draw anew. */
export async function draw(element, traces, layout, label) {
  const style = getComputedStyle(document.documentElement);
  const base = {
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: style.getPropertyValue("--font").trim(), size: 11, color: style.getPropertyValue("--quiet").trim() },
    margin: { l: 8, r: 12, t: 8, b: 26 },
    showlegend: false,
    hoverlabel: {
      bgcolor: style.getPropertyValue("--raised").trim(), bordercolor: style.getPropertyValue("--line").trim(),
      font: { color: color("text"), size: 12 }, align: "left", namelength: -1,
    },
    dragmode: false,
    hoverdistance: 40,
    autosize: true,
  };
  await window.Plotly.react(element, traces, { ...base, ...layout, margin: { ...base.margin, ...layout.margin } }, { displayModeBar: false, responsive: false, doubleClick: false, scrollZoom: false });
  element.setAttribute("role", "img");
  element.setAttribute("aria-label", label);
  observed.observe(element);
}

/** Take a drawing away. */
export function clear(element) {
  observed.unobserve(element);
  if (element.data) window.Plotly.purge(element);
}

function axis() {
  const line = getComputedStyle(document.documentElement).getPropertyValue("--grid").trim();
  const spike = { spikecolor: line, spikethickness: 1, spikedash: "solid", spikemode: "across" };
  return { gridcolor: line, linecolor: line, zeroline: false, automargin: false, fixedrange: true, ticks: "", ...spike };
}

/** An axis of values: ticks in the unit, and how much room their texts take. */
export function valueAxis(low, high, { unit, decimals, isLog = false, room = 6 }) {
  const ticks = isLog ? powers(low, high) : niceTicks(low, high, room);
  const texts = ticks.map((tick) => format(tick, unit, tickDecimals(ticks, unit, decimals)));
  const range = isLog ? [Math.log10(low || 1e-3), Math.log10(high || 1)] : [low, high];
  const shown = { ...axis(), range, tickmode: "array", tickvals: ticks, ticktext: texts.map(plain), type: isLog ? "log" : "linear" };
  return { axis: shown, width: Math.min(Math.max(...texts.map((text) => [...text].length), 1) * 6.4 + 12, 120) };
}

// Fewer figures than a value's own are enough where ticks are round.
function tickDecimals(ticks, unit, decimals) {
  return decimals === 0 && ticks.every(Number.isInteger) ? 0 : undefined;
}

/** An axis of time over the range. */
export function timeAxis(from, to, width) {
  const ticks = timeTicks(from, to, Math.max(2, Math.floor(width / 75)));
  return { ...axis(), type: "date", range: [from, to], tickmode: "array", tickvals: ticks.map(({ at }) => at), ticktext: ticks.map(({ text }) => text), hoverformat: "%Y-%m-%d %H:%M:%S", tickangle: 0 };
}

/** Milliseconds from one value to the next: the least distance, or the question's own where there is but one. */
export function stepMs(times, fallback) {
  let least = Infinity;
  for (let row = 1; row < times.length; row += 1) {
    if (times[row] > times[row - 1]) least = Math.min(least, times[row] - times[row - 1]);
  }
  return Number.isFinite(least) ? least : fallback || 6e4;
}

/** An axis of names. */
export function nameAxis(names, length) {
  const places = names.map((_, number) => number);
  return { ...axis(), type: "linear", showgrid: false, tickmode: "array", tickvals: places, ticktext: names.map((name) => plain(short(name, length))), range: [-0.5, Math.max(names.length, 1) - 0.5] };
}

/** Round numbers from low to high, about so many. */
export function niceTicks(low, high, room) {
  const span = high - low;
  if (!(span > 0) || !Number.isFinite(span)) return [low];
  const rough = span / Math.max(room - 1, 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((one) => one * power).find((one) => one >= rough * 0.999);
  const ticks = [];
  for (let count = Math.ceil(low / step - 1e-9); count * step <= high + step * 1e-9; count += 1) {
    ticks.push(Number((count * step).toPrecision(12)));
  }
  return ticks;
}

function powers(low, high) {
  const ticks = [];
  for (let power = Math.floor(Math.log10(low || 1e-3)); 10 ** power <= high * 1.001; power += 1) {
    if (10 ** power >= low * 0.999) ticks.push(10 ** power);
  }
  return ticks.length ? ticks : [low, high];
}

/** Ends of an axis: the data with a little air, and what the panel asks for. */
export function ends(values, config, custom = {}, { fromZero = true } = {}) {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (typeof value !== "number" || !Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (low > high) [low, high] = [0, 1];
  if (fromZero) [low, high] = [Math.min(low, 0), Math.max(high, 0)];
  high = Math.max(high, custom.axisSoftMax ?? -Infinity);
  low = Math.min(low, custom.axisSoftMin ?? Infinity);
  if (low === high) [low, high] = low === 0 ? [0, 1] : [low - Math.abs(low) * 0.1, high + Math.abs(high) * 0.1];
  const air = (high - low) * 0.06;
  return [config.min ?? (low < 0 ? low - air : low), config.max ?? (high > 0 ? high + air : high)];
}
