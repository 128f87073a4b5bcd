// What happened in a run, step after step? A waterfall; the chosen step tells what it was told, said and thought.

import { byName, color } from "../colors.js";
import { fill, h, tell } from "../dom.js";
import { stepDetail } from "../step.js";
import { read, write } from "../state.js";
import { clock, iso } from "../times.js";
import { format } from "../units.js";

const MOST_STEPS = 1500;

export function draw(context) {
  const spans = context.frames.flatMap(spansOf);
  if (!spans.length) return context.nothing();
  const traces = new Map();
  for (const span of spans) traces.set(span.trace, [...(traces.get(span.trace) ?? []), span]);
  const [first, ...others] = [...traces.entries()];
  context.body.append(waterfall(context, ...first));
  if (others.length) context.body.append(h("p.note", {}, `Of ${traces.size} runs the first is shown. Choose one run to see another.`));
  return {};
}

function spansOf(frame) {
  const column = (name) => frame.fields.find((one) => one.name.toLowerCase() === name.toLowerCase())?.values;
  const ids = column("spanID");
  if (!ids) return [];
  const value = (name, row) => column(name)?.[row] ?? null;
  const columns = ["traceID", "parentSpanID", "serviceName", "operationName", "startTime", "duration", "statusCode", "statusMessage", "kind", "tags", "serviceTags"];
  const found = Object.fromEntries(columns.map((name) => [name, column(name)]));
  return ids.map((id, row) => ({
    id: String(id),
    trace: String(found.traceID?.[row] ?? ""),
    parent: String(found.parentSpanID?.[row] ?? ""),
    service: String(found.serviceName?.[row] ?? ""),
    name: String(found.operationName?.[row] ?? ""),
    start: Number(found.startTime?.[row] ?? 0),
    ms: Math.max(Number(found.duration?.[row] ?? 0), 0),
    isFailed: Number(value("statusCode", row)) === 2 || String(value("statusCode", row)).toLowerCase() === "error",
    message: String(found.statusMessage?.[row] ?? ""),
    tags: pairs(found.tags?.[row]),
  }));
}

// Grafana's form of tags: a list of key and value; a plain map serves as well.
function pairs(value) {
  if (Array.isArray(value)) return value.map((one) => [String(one.key ?? one[0] ?? ""), one.value ?? one[1] ?? ""]).filter(([key]) => key);
  return value && typeof value === "object" ? Object.entries(value) : [];
}

/** Steps in the order of a reader: each below the one that holds it, with its depth. */
export function ordered(spans) {
  const known = new Map(spans.map((span) => [span.id, span]));
  const children = new Map();
  for (const span of spans) {
    const parent = known.has(span.parent) && span.parent !== span.id ? span.parent : "";
    children.set(parent, [...(children.get(parent) ?? []), span]);
  }
  const found = [];
  const seen = new Set();
  const walk = (parent, depth) => {
    const below = (children.get(parent) ?? []).sort((one, two) => one.start - two.start || two.ms - one.ms);
    for (const span of below) {
      if (seen.has(span.id)) continue;
      seen.add(span.id);
      found.push({ ...span, depth, holds: children.has(span.id) });
      walk(span.id, depth + 1);
    }
  };
  walk("", 0);
  // A ring of parents has no beginning: its steps stand at the end instead of being lost.
  for (const span of spans) if (!seen.has(span.id)) found.push({ ...span, depth: 0, holds: false });
  return found;
}

function waterfall(context, trace, spans) {
  const steps = ordered(spans);
  const shown = steps.slice(0, MOST_STEPS);
  const start = Math.min(...spans.map((span) => span.start));
  const end = Math.max(...spans.map((span) => span.start + span.ms), start + 1);
  const detail = h("section.step-detail", { "aria-label": "The chosen step", tabindex: "-1" }, h("p.quiet", {}, "Choose a step to see what it was told and what it said."));
  const folded = new Set();
  const items = shown.map((span, number) => row(span, number, { start, end }));
  const list = h("ol.waterfall", { "aria-label": `Steps of the run ${trace}` }, items.map(({ item }) => item));

  function choose(number, { isFocused = true, isKept = true } = {}) {
    items.forEach(({ button }, other) => {
      button.setAttribute("aria-pressed", String(other === number));
      button.tabIndex = other === number ? 0 : -1;
    });
    if (isFocused) items[number].button.focus();
    if (isKept) write({ step: shown[number].id }, { replace: true });
    fill(detail, h("p.quiet", { role: "status" }, "Loading the step"));
    stepDetail({ namespace: context.scope().variables.namespace, trace, span: shown[number] }).then((nodes) => {
      if (items[number].button.getAttribute("aria-pressed") === "true") fill(detail, nodes);
    });
  }

  function fold(number, isFolded) {
    const { depth, holds, name } = shown[number];
    if (!holds || folded.has(number) === isFolded) return;
    if (isFolded) folded.add(number);
    else folded.delete(number);
    items[number].button.setAttribute("aria-expanded", String(!isFolded));
    let hiddenBelow = null;
    shown.forEach((span, other) => {
      if (hiddenBelow !== null && span.depth <= hiddenBelow) hiddenBelow = null;
      items[other].item.hidden = hiddenBelow !== null;
      if (hiddenBelow === null && folded.has(other)) hiddenBelow = span.depth;
    });
    tell(`${name} ${isFolded ? "closed" : "opened"}, level ${depth + 1}`);
  }

  list.addEventListener("keydown", (event) => {
    const number = items.findIndex(({ button }) => button === document.activeElement);
    if (number < 0) return;
    const visible = items.map((_, other) => other).filter((other) => !items[other].item.hidden);
    const place = visible.indexOf(number);
    const to = { ArrowDown: visible[place + 1], ArrowUp: visible[place - 1], Home: visible[0], End: visible.at(-1) }[event.key];
    if (to !== undefined) items[to].button.focus();
    else if (event.key === "ArrowLeft") fold(number, true);
    else if (event.key === "ArrowRight") fold(number, false);
    else return;
    event.preventDefault();
  });
  items.forEach(({ button }, number) => {
    button.addEventListener("click", () => choose(number));
    button.addEventListener("dblclick", () => fold(number, !folded.has(number)));
  });

  const { step } = read();
  // Of an OpenTelemetry step, which is named by trace and span, the span alone is shown.
  const span = /^[0-9a-f]{32}-([0-9a-f]{16})$/.exec(step ?? "")?.[1];
  const asked = shown.findIndex(({ id }) => id === step || id === span);
  if (asked >= 0) choose(asked, { isFocused: false, isKept: false });
  else items[0].button.tabIndex = 0;
  const scale = h("div.scale", { "aria-hidden": "true" }, [0, 0.25, 0.5, 0.75].map((share) => h("span", { style: { left: `${share * 100}%` } }, format(share * (end - start), "ms"))));
  const failures = spans.filter(({ isFailed }) => isFailed).length;
  const head = h("p.run-head", {}, h("strong", {}, trace), ` ${steps.length} steps, ${format(end - start, "ms")}, began ${iso(start)}`, failures > 0 && h("span.failed", {}, `, ${failures} failed`));
  const note = steps.length > MOST_STEPS ? h("p.note", {}, `The first ${MOST_STEPS} steps are drawn; the table has ${context.frames.some(({ isCut }) => isCut) ? "more" : "all"}.`) : null;
  return h("div.run", {}, head, note, h("div.run-parts", {}, h("div.waterfall-box.scrolls", {}, h("div.scale-row", { "aria-hidden": "true" }, h("span"), scale), list), detail));
}

function row(span, number, { start, end }) {
  const share = (ms) => `${(ms / (end - start)) * 100}%`;
  const own = span.isFailed ? color("red") : byName(span.service || span.name);
  const label = `${span.name}, ${span.service}, ${format(span.ms, "ms")}, after ${format(span.start - start, "ms")}${span.isFailed ? ", failed" : ""}, level ${span.depth + 1}`;
  const button = h(
    "button.span-row", { type: "button", "aria-pressed": "false", "aria-label": label, "aria-expanded": span.holds ? "true" : null, tabindex: "-1", data: { span: span.id }, title: `${span.name} · ${clock(span.start, end - start)}` },
    h("span.span-name", { style: { "--depth": Math.min(span.depth, 12) } }, h("span.swatch", { style: { "--color": own }, "aria-hidden": "true" }), h("span.span-title", {}, span.isFailed ? `✖ ${span.name}` : span.name), h("span.quiet", {}, span.service)),
    h("span.span-track", { "aria-hidden": "true" }, h("span.span-bar", { style: { left: share(span.start - start), width: `max(2px, ${share(span.ms)})`, "--color": own } }), h("span.span-time", { style: { left: `min(${share(span.start - start)}, calc(100% - 64px))` } }, format(span.ms, "ms"))),
  );
  return { item: h("li", {}, button), button };
}
