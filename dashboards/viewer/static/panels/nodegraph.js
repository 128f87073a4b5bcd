// Who calls whom? Nodes in columns by how far they are from where calls begin, edges as arrows; and the same as a list.

import { byName, color } from "../colors.js";
import { h, s } from "../dom.js";
import { display } from "../fields.js";
import { short } from "../plot.js";
import { attach, lines } from "../tip.js";

const WIDE = 190;
const HIGH = 82;
const TALLEST = 7;
const LEAST_SCALE = 0.55;
const RADIUS = 24;
const MOST_NODES = 120;

export function draw(context) {
  const edgesFrame = context.frames.find((frame) => has(frame, "source") && has(frame, "target"));
  const nodesFrame = context.frames.find((frame) => frame !== edgesFrame && has(frame, "id"));
  if (!nodesFrame?.length) return context.nothing();
  withUnits(nodesFrame, context.panel.options?.nodes);
  if (edgesFrame) withUnits(edgesFrame, context.panel.options?.edges);
  const nodes = rows(nodesFrame).slice(0, MOST_NODES);
  const known = new Set(nodes.map(({ id }) => id));
  const edges = edgesFrame ? rows(edgesFrame).filter(({ source, target }) => known.has(source) && known.has(target)) : [];
  const { places, width, height } = layout(nodes, edges);
  const heaviest = Math.max(...edges.map((edge) => Number(edge.thickness ?? weight(edgesFrame, edge)) || 0), 1e-12);
  const shapes = [
    ...edges.map((edge) => arrow(edge, edgesFrame, places, heaviest)),
    ...nodes.map((node) => circle(context, node, nodesFrame, places.get(node.id))),
  ];
  const head = s("defs", {}, s("marker", { id: "head", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 9, markerHeight: 9, markerUnits: "userSpaceOnUse", orient: "auto-start-reverse" }, s("path", { d: "M 0 0 L 8 4 L 0 8 z", fill: "var(--edge)" })));
  // All of it if it can still be read, else a part, and the rest by scrolling.
  const fit = Math.min(context.body.clientWidth / width, context.body.clientHeight / height);
  const scale = Math.min(Math.max(fit, LEAST_SCALE), 1.2);
  const picture = s("svg.graph", { viewBox: `0 0 ${width} ${height}`, width: width * scale, height: height * scale, role: "group", "aria-label": `${context.title}: ${nodes.length} nodes, ${edges.length} connections` }, head, shapes);
  const note = nodesFrame.length > MOST_NODES ? h("p.note", {}, `The first ${MOST_NODES} of ${nodesFrame.length} nodes are drawn; the table has all.`) : null;
  const box = h("div.graph-box.scrolls", { tabindex: "0", role: "group", "aria-label": context.title }, picture);
  context.body.append(box, ...[note].filter(Boolean));
  box.scrollTop = (box.scrollHeight - box.clientHeight) / 2;
  return {};
}

// The panel's own options say the units of what stands on nodes and edges.
function withUnits(frame, options = {}) {
  for (const [name, unit] of [["mainstat", options.mainStatUnit], ["secondarystat", options.secondaryStatUnit]]) {
    const field = frame.fields.find((one) => one.name.toLowerCase() === name);
    if (field && unit) field.config.unit = unit;
  }
}

const has = (frame, name) => frame.fields.some((field) => field.name.toLowerCase() === name);

function rows(frame) {
  return Array.from({ length: frame.length }, (_, row) => ({ row, ...Object.fromEntries(frame.fields.map((field) => [field.name.toLowerCase(), field.values[row]])) }));
}

function shownOf(frame, row, name) {
  const field = frame.fields.find((one) => one.name.toLowerCase() === name);
  return field && field.values[row] !== null ? display(field, field.values[row]).text : "";
}

function weight(frame, edge) {
  return frame.fields.find((field) => field.name.toLowerCase() === "mainstat" && field.kind === "number")?.values[edge.row];
}

// The column of a node is its longest way from a start; edges that would go back are not followed.
function layout(nodes, edges) {
  const next = new Map(nodes.map(({ id }) => [id, []]));
  for (const { source, target } of edges) if (source !== target) next.get(source).push(target);
  const depth = new Map();
  const open = new Set();
  const visit = (id, at) => {
    if (open.has(id) || (depth.get(id) ?? -1) >= at) return;
    depth.set(id, at);
    open.add(id);
    for (const target of next.get(id)) visit(target, at + 1);
    open.delete(id);
  };
  const isTarget = new Set(edges.filter(({ source, target }) => source !== target).map(({ target }) => target));
  for (const { id } of nodes) if (!isTarget.has(id)) visit(id, 0);
  for (const { id } of nodes) if (!depth.has(id)) visit(id, 0);
  const columns = [];
  for (const { id } of nodes) (columns[depth.get(id)] ??= []).push(id);
  const whole = columns.filter(Boolean);
  untangle(whole, edges);
  const full = whole.flatMap(split);
  const most = Math.max(...full.map((column) => column.length));
  const places = new Map();
  full.forEach((column, x) => column.forEach((id, y) => places.set(id, { x: 70 + x * WIDE, y: 44 + (y + (most - column.length) / 2) * HIGH })));
  return { places, width: 140 + (full.length - 1) * WIDE, height: 20 + most * HIGH };
}

// A tall column stands in two or more, so that a graph is not much higher than wide.
function split(column) {
  const parts = Math.ceil(column.length / TALLEST);
  return Array.from({ length: parts }, (_, part) => column.filter((_id, at) => at % parts === part));
}

// Each node near the mean of those before it: fewer edges cross.
function untangle(columns, edges) {
  columns.slice(1).forEach((column, number) => {
    const before = new Map(columns[number].map((id, at) => [id, at]));
    const mean = (id) => {
      const from = edges.filter(({ source, target }) => target === id && before.has(source)).map(({ source }) => before.get(source));
      return from.length ? from.reduce((sum, at) => sum + at, 0) / from.length : 1e9;
    };
    const means = new Map(column.map((id) => [id, mean(id)]));
    column.sort((one, two) => means.get(one) - means.get(two));
  });
}

function arrow(edge, frame, places, heaviest) {
  const from = places.get(edge.source);
  const to = places.get(edge.target);
  const width = 1 + 3 * Math.sqrt((Number(edge.thickness ?? weight(frame, edge)) || 0) / heaviest);
  const path = edge.source === edge.target
    ? `M ${from.x - 12} ${from.y - RADIUS + 4} C ${from.x - 40} ${from.y - 70}, ${from.x + 40} ${from.y - 70}, ${from.x + 12} ${from.y - RADIUS + 2}`
    : curve(from, to);
  const line = s("path.edge", { d: path, "stroke-width": width.toFixed(2), "marker-end": "url(#head)" });
  const told = [["From", edge.source], ["To", edge.target], ...stats(frame, edge.row)];
  return attach(line, () => lines(told));
}

function curve(from, to) {
  const isBack = to.x <= from.x;
  const [x1, x2] = isBack ? [from.x, to.x] : [from.x + RADIUS, to.x - RADIUS - 2];
  const [y1, y2] = isBack ? [from.y + RADIUS, to.y + RADIUS + 2] : [from.y, to.y];
  const bend = isBack ? 46 : Math.max((x2 - x1) / 2, 20);
  return isBack ? `M ${x1} ${y1} C ${x1} ${y1 + bend}, ${x2} ${y2 + bend}, ${x2} ${y2}` : `M ${x1} ${y1} C ${x1 + bend} ${y1}, ${x2 - bend} ${y2}, ${x2} ${y2}`;
}

function stats(frame, row) {
  return ["mainstat", "secondarystat"].flatMap((name) => {
    const field = frame.fields.find((one) => one.name.toLowerCase() === name);
    return field && field.values[row] !== null ? [[field.config.displayName ?? field.title, display(field, field.values[row]).text]] : [];
  }).concat(frame.fields.filter((field) => field.name.toLowerCase().startsWith("detail__")).map((field) => [field.config.displayName ?? field.name.slice(8), display(field, field.values[row]).text]));
}

function circle(context, node, frame, { x, y }) {
  const title = String(node.title ?? node.id);
  const own = color(node.color) ?? byName(String(node.subtitle ?? title));
  const main = shownOf(frame, node.row, "mainstat");
  const told = [["Name", title], ...(node.subtitle ? [["Kind", String(node.subtitle)]] : []), ...stats(frame, node.row)];
  const field = frame.fields.find((one) => one.config.links?.length) ?? frame.fields[0];
  const links = context.linksFor({ field, frame, row: node.row, value: field.values[node.row] });
  const label = told.map(([name, value]) => `${name} ${value}`).join(", ");
  const group = s(
    "g.node", { tabindex: "0", role: links.length ? "button" : "img", "aria-label": label, transform: `translate(${x} ${y})` },
    s("circle", { r: RADIUS, stroke: own, fill: "var(--panel)" }), ring(node, context.panel.options?.nodes?.arcs), s("text.stat", { y: 4, "text-anchor": "middle" }, short(main, 9)),
    s("text.title", { y: RADIUS + 14, "text-anchor": "middle" }, short(title, 22)), node.subtitle && s("text.subtitle", { y: RADIUS + 27, "text-anchor": "middle" }, short(node.subtitle, 24)),
  );
  attach(group, () => lines(told));
  if (links.length) {
    const open = (event) => context.offer(event, [{ field, frame, row: node.row }]);
    group.addEventListener("click", open);
    group.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") open(event);
    });
  }
  return group;
}

// Shares of a node as parts of its ring; the first begins at the top.
function ring(node, arcs = []) {
  let from = 0;
  return arcs.map(({ field, color: name }) => {
    const share = Math.min(Number(node[field.toLowerCase()]) || 0, 1 - from);
    if (share <= 0) return null;
    const path = s("circle.arc", { r: RADIUS, fill: "none", stroke: color(name), pathLength: 1, "stroke-dasharray": `${share} ${1 - share}`, transform: `rotate(${from * 360 - 90})` });
    from += share;
    return path;
  });
}
