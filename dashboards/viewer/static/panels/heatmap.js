// How many, when, and in which row? Each number of the answer is a row, the first at the bottom.

import { heatScale } from "../colors.js";
import { h } from "../dom.js";
import { display, numbersOf, timeOf } from "../fields.js";
import { clear, draw as plot, nameAxis, niceTicks, plain, stepMs, timeAxis } from "../plot.js";
import { fromPlot, iso, toPlot } from "../times.js";
import { format } from "../units.js";

export function draw(context) {
  const frame = context.frames.find((one) => one.length > 0);
  const time = frame && timeOf(frame);
  const rows = frame ? numbersOf(frame) : [];
  const options = context.panel.options ?? {};
  const least = options.filterValues?.le ?? -Infinity;
  const isSeen = (value) => typeof value === "number" && value > least;
  if (!time || !rows.some((row) => row.values.some(isSeen))) return context.nothing();
  const chart = h("div.chart");
  const names = rows.map((row) => row.title);
  const exponent = options.color?.scale === "exponential" ? (options.color.exponent ?? 0.5) : 1;
  const shade = (value) => (isSeen(value) ? value ** exponent : null);
  // Where most is seen; the scale beside the chart ends there.
  const greatest = rows.reduce((most, row) => row.values.reduce((one, two) => Math.max(one, two ?? 0), most), 0);
  const step = stepMs(time.values, frame.intervalMs);
  const isWide = options.legend?.show !== false && context.body.clientWidth > 380;
  context.body.append(h("div.with-legend.is-right", {}, h("div.holder", {}, chart), isWide && scale(greatest, exponent, rows[0])));
  const trace = {
    type: "heatmap", x: time.values.map((at) => toPlot(at + step / 2)), y: names.map((_, number) => number), z: rows.map((row) => row.values.map(shade)),
    customdata: rows.map((row) => row.values.map((value, at) => `${plain(row.title)}  ${plain(display(row, value).text)}<br>${iso(time.values[at])}`)),
    hovertemplate: "%{customdata}<extra></extra>", hoverongaps: false, xgap: 1, ygap: 1, colorscale: heatScale(), zmin: 0, zmax: greatest ** exponent || 1, showscale: false,
  };
  const y = nameAxis(names, 14);
  if (options.yAxis?.reverse) y.range.reverse();
  // A lone column has no width of its own.
  if (time.values.length === 1) Object.assign(trace, { x0: trace.x[0], dx: step, x: undefined });
  const ready = plot(chart, [trace], {
    xaxis: { ...timeAxis(toPlot(context.from), toPlot(context.to), chart.clientWidth), showgrid: false, fixedrange: false }, yaxis: y, dragmode: "zoom", hovermode: "closest",
    margin: { l: Math.max(...names.map((name) => Math.min(name.length, 14))) * 6.4 + 12, r: 12 },
  }, `${context.title}: a heat map of ${names.length} rows over time. The menu of this panel has it as a table.`).then(() => {
    chart.removeAllListeners?.("plotly_relayout");
    chart.on("plotly_relayout", (event) => {
      if (event["xaxis.range[0]"] !== undefined) context.zoom(fromPlot(event["xaxis.range[0]"]), fromPlot(event["xaxis.range[1]"]));
    });
  });
  return { ready, clear: () => clear(chart) };
}

// Our own scale: Plotly's writes style attributes, which the policy forbids.
function scale(greatest, exponent, field) {
  const stops = heatScale().map(([share, color]) => `${color} ${share * 100}%`).join(", ");
  const ticks = niceTicks(0, greatest, 4).filter((tick) => tick > 0 || greatest === 0);
  const texts = ticks.map((tick) => h("span", { style: { bottom: `${(tick / greatest) ** exponent * 100}%` } }, format(tick, field.config.unit)));
  return h("div.scale-bar", { "aria-hidden": "true", style: { "--stops": `linear-gradient(to top, ${stops})` } }, texts);
}
