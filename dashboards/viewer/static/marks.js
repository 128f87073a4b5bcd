// What happened meanwhile? Annotations as lines and regions of a chart, each with a mark that says more.

import { color, rgba } from "./colors.js";
import { h } from "./dom.js";
import { iso, toPlot } from "./times.js";
import { attach } from "./tip.js";

const MOST = 120;

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
  return within(list, from, to).map((one) => {
    const isRegion = one.end !== null && one.end > one.at;
    const x0 = toPlot(Math.max(one.at, from));
    const x1 = isRegion ? toPlot(Math.min(one.end, to)) : x0;
    const common = { xref: "x", yref: "paper", x0, x1, y0: 0, y1: 1, layer: "below" };
    return isRegion
      ? { ...common, type: "rect", fillcolor: rgba(one.color, 0.09), line: { width: 0 } }
      : { ...common, type: "line", line: { color: one.color, width: 1, dash: "dot" } };
  });
}

/** Marks along the bottom of a chart, for pointer, keyboard and screen reader. */
export function marks(holder, { annotations, from, to }, { left, right, bottom }) {
  holder.querySelector(".marks")?.remove();
  const found = within(annotations, from, to);
  if (!found.length) return;
  const items = found.map((one) => {
    const share = (Math.max(one.at, from) - from) / (to - from);
    const until = one.end !== null && one.end > one.at ? ` – ${iso(one.end)}` : "";
    const label = `${one.name}: ${one.title}, ${iso(one.at)}${until}. ${one.text}`;
    const mark = h("button.mark", { type: "button", "aria-label": label, style: { left: `${share * 100}%`, "--color": one.color } });
    attach(mark, () => [h("strong", {}, one.title), h("p.when", {}, `${one.name} · ${iso(one.at)}${until}`), one.text && h("p", {}, one.text), one.tags.length > 0 && h("p.tags", {}, one.tags.map((tag) => h("span.tag", {}, tag)))]);
    return mark;
  });
  holder.append(h("div.marks", { style: { left: `${left}px`, right: `${right}px`, bottom: `${bottom - 9}px` } }, items));
}

function within(list, from, to) {
  return list.filter(({ at, end }) => at <= to && (end ?? at) >= from).slice(0, MOST);
}
