// What happened meanwhile? Annotations as lines and regions of a chart, each with a mark that says more.

import { color, rgba } from "./colors.js";
import { h } from "./dom.js";
import { iso, toPlot } from "./times.js";
import { attach } from "./tip.js";

// Lines and regions of a picture; its marks tell of all.
const MOST = 120;
// Smaller things are hard to hit with a finger (WCAG 2.2, 2.5.8).
const TARGET_PX = 24;
const MOST_TOLD = 6;

/** Rows of annotations: name, colour, from when to when, and what they say. */
export function happenings(annotations) {
  return annotations.flatMap(({ name, color: own, columns, values }) => {
    const column = (wanted) => values?.[columns?.findIndex((one) => one.name.toLowerCase() === wanted.toLowerCase())];
    const time = column("time") ?? [];
    return time.map((at, row) => ({
      name,
      color: color(own) ?? color("blue"),
      at,
      end: column("timeEnd")?.[row] ?? null,
      title: String(column("title")?.[row] ?? name),
      text: String(column("text")?.[row] ?? ""),
      tags: tags(column("tags")?.[row]),
    }));
  });
}

function tags(value) {
  const list = Array.isArray(value) ? value : String(value ?? "").split(",");
  return list.map((one) => String(one).trim()).filter(Boolean);
}

/** Lines and regions for Plotly, within the range. */
export function shapesOf(list, { from, to }) {
  return within(list, from, to).slice(0, MOST).map((one) => {
    const isRegion = one.end !== null && one.end > one.at;
    const x0 = toPlot(Math.max(one.at, from));
    const x1 = isRegion ? toPlot(Math.min(one.end, to)) : x0;
    const common = { xref: "x", yref: "paper", x0, x1, y0: 0, y1: 1, layer: "below" };
    return isRegion
      ? { ...common, type: "rect", fillcolor: rgba(one.color, 0.09), line: { width: 0 } }
      : { ...common, type: "line", line: { color: one.color, width: 1, dash: "dot" } };
  });
}

/** Marks along the bottom of a chart, for pointer, keyboard and screen reader; near ones are one. */
export function marks(holder, { annotations, from, to }, { left, right, bottom }) {
  holder.querySelector(".marks")?.remove();
  const width = Math.max(holder.clientWidth - left - right, 1);
  const groups = [];
  for (const one of within(annotations, from, to).sort((first, second) => first.at - second.at)) {
    const share = (Math.max(one.at, from) - from) / (to - from);
    const last = groups.at(-1);
    if (last && (share - last.share) * width < TARGET_PX) last.those.push(one);
    else groups.push({ share, those: [one] });
  }
  if (groups.length) holder.append(h("div.marks", { style: { left: `${left}px`, right: `${right}px`, bottom: `${bottom - TARGET_PX}px` } }, groups.map(mark)));
}

function mark({ share, those }) {
  const colors = new Set(those.map(({ color: own }) => own));
  const own = colors.size === 1 ? those[0].color : color("text");
  const more = those.length > MOST_TOLD ? [`and ${those.length - MOST_TOLD} more`] : [];
  const label = [...those.slice(0, MOST_TOLD).map((one) => `${one.name}: ${one.title}, ${when(one)}. ${one.text}`), ...more].join("; ");
  const button = h("button.mark", { type: "button", "aria-label": label, style: { left: `${share * 100}%`, "--color": own } });
  return attach(button, () => [...those.slice(0, MOST_TOLD).flatMap(told), ...more.map((text) => h("p.when", {}, text))]);
}

function told(one) {
  return [h("strong", {}, one.title), h("p.when", {}, `${one.name} · ${when(one)}`), one.text && h("p", {}, one.text), one.tags.length > 0 && h("p.tags", {}, one.tags.map((tag) => h("span.tag", {}, tag)))];
}

function when({ at, end }) {
  return end !== null && end > at ? `${iso(at)} – ${iso(end)}` : iso(at);
}

function within(list, from, to) {
  return list.filter(({ at, end }) => at <= to && (end ?? at) >= from);
}
