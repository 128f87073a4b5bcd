// One number, large: with how it changed, on a dial, or as a bar beside its like.

import { byThresholds, color, faded } from "../colors.js";
import { h, s } from "../dom.js";
import { display } from "../fields.js";
import { change } from "../reduce.js";
import { attach, lines } from "../tip.js";
import { format } from "../units.js";

/** `stat` */
export function stat(context) {
  const options = context.panel.options ?? {};
  const found = context.singles();
  if (!found.length) return emptyStat(context);
  const cards = found.map((one) => card(context, one, options, found.length > 1));
  context.body.append(h("div.stats", { style: { "--count": cards.length } }, cards));
  return {};
}

// A stat whose answer has no row says what the panel says for no value.
function emptyStat(context) {
  const { noValue } = context.panel.fieldConfig?.defaults ?? {};
  if (noValue === undefined || noValue === "0") return context.nothing();
  context.body.append(h("div.stats", {}, h("div.stat", {}, h("div.number.quiet", { data: { value: "" } }, noValue))));
  return {};
}

function card(context, one, options, isOfSeveral) {
  const shown = display(one.field, one.value);
  const own = one.field.config.color?.mode === "fixed" ? color(one.field.config.color.fixedColor) : shown.color;
  const isFilled = (options.colorMode ?? "value").startsWith("background");
  const mode = options.textMode ?? "auto";
  const isNamed = mode.includes("name") || (mode === "auto" && isOfSeveral);
  const number = h("div.number", { data: { value: one.value ?? "" }, title: exactly(one), style: { color: isFilled || options.colorMode === "none" ? null : own } }, context.linked(one, mode === "name" ? one.title : shown.text));
  return h(
    "div.stat", { style: { "--fill": isFilled && own ? faded(own, 0.28) : null } },
    isNamed && mode !== "name" && h("div.name", {}, one.title),
    number,
    options.showPercentChange && delta(one, options.percentChangeColorMode),
    options.graphMode === "area" && one.values.length > 2 && spark(one.values, own ?? color("blue")),
  );
}

/** All digits of a number, for the pointer. */
function exactly({ value, field }) {
  return field.kind === "number" && value !== null && value !== undefined ? String(value) : null;
}

function delta({ values }, mode = "standard") {
  const share = change(values);
  if (share === null) return h("div.delta.quiet", {}, "nothing to compare with");
  const direction = share > 0 ? "up" : share < 0 ? "down" : "same";
  const isGood = mode === "inverted" ? share < 0 : share > 0;
  const tone = mode === "same_as_value" || share === 0 ? null : color(isGood ? "green" : "red");
  const sign = { up: "▲", down: "▼", same: "=" }[direction];
  const text = `${sign} ${format(Math.abs(share), "percentunit", Math.abs(share) < 0.1 ? 1 : 0)}`;
  return h("div.delta", { style: { color: tone }, data: { value: share }, title: "Against as long a time before" }, text, h("span.only-read", {}, ` ${direction} against as long a time before`));
}

function spark(values, own) {
  const numbers = values.map((value) => (typeof value === "number" ? value : null));
  const some = numbers.filter((value) => value !== null);
  const low = Math.min(...some);
  const span = Math.max(...some) - low || 1;
  const points = numbers.map((value, at) => (value === null ? null : `${(at / (numbers.length - 1)) * 100},${30 - ((value - low) / span) * 28}`)).filter(Boolean);
  return s("svg.spark", { viewBox: "0 0 100 32", preserveAspectRatio: "none", "aria-hidden": "true" }, s("polyline", { points: points.join(" "), fill: "none", stroke: own, "stroke-width": "1.5", "vector-effect": "non-scaling-stroke" }));
}

/** `gauge`: a dial from least to greatest, with the thresholds around it. */
export function gauge(context) {
  const found = context.singles();
  if (!found.length) return context.nothing();
  context.body.append(h("div.gauges", {}, found.map((one) => dial(context, one, found.length > 1, context.panel.options ?? {}))));
  return {};
}

const FROM = 150;
const SWEEP = 240;

function dial(context, one, isOfSeveral, options) {
  const { min, max } = limits(one);
  const shown = display(one.field, one.value);
  const isShort = [...shown.text].length <= 10;
  const share = one.value === null ? 0 : Math.min(Math.max((one.value - min) / (max - min || 1), 0), 1);
  const steps = (one.field.config.thresholds?.steps ?? []).map((step) => ({ at: place(step.value, one, min, max), color: color(step.color) ?? color("text") }));
  const ring = options.showThresholdMarkers === false ? [] : steps.map((step, number) => arc(47, step.at, steps[number + 1]?.at ?? 1, step.color, 3));
  const text = `${one.title}: ${shown.text}, on a dial from ${format(min, one.field.config.unit)} to ${format(max, one.field.config.unit)}`;
  const picture = s(
    "svg", { viewBox: "0 0 120 92", role: "img", "aria-label": text },
    ring, arc(39, 0, 1, "var(--grid)", 10), one.value !== null && share > 0 && arc(39, 0, share, shown.color ?? color("blue"), 10),
    isShort && s("text.dial-number", { x: 60, y: 62, "text-anchor": "middle", fill: shown.color ?? "currentColor", "data-value": one.value ?? "" }, shown.text),
  );
  const words = isShort ? null : h("p.quiet", { data: { value: one.value ?? "" } }, shown.text);
  return h("div.gauge", { title: exactly(one) }, picture, words, isOfSeveral && h("div.name", {}, context.linked(one, one.title)));
}

function arc(radius, from, to, own, width) {
  if (!(to > from)) return null;
  const point = (share) => {
    const angle = ((FROM + share * SWEEP) * Math.PI) / 180;
    return `${(60 + radius * Math.cos(angle)).toFixed(2)} ${(56 + radius * Math.sin(angle)).toFixed(2)}`;
  };
  return s("path", { d: `M ${point(from)} A ${radius} ${radius} 0 ${(to - from) * SWEEP > 180 ? 1 : 0} 1 ${point(to)}`, fill: "none", stroke: own, "stroke-width": width });
}

function limits({ field, value }) {
  const steps = (field.config.thresholds?.steps ?? []).map((step) => step.value).filter((one) => typeof one === "number");
  const isShare = field.config.unit === "percentunit";
  const greatest = Math.max(...steps.map((one) => one * 1.2), Number(value) || 0, isShare ? 1 : field.config.unit === "percent" ? 100 : 0);
  return { min: field.config.min ?? Math.min(0, Number(value) || 0), max: field.config.max ?? (greatest || 1) };
}

function place(value, { field }, min, max) {
  if (value === null || value === undefined) return 0;
  const share = field.config.thresholds?.mode === "percentage" ? value / 100 : (value - min) / (max - min || 1);
  return Math.min(Math.max(share, 0), 1);
}

/** `bargauge`: a bar for each value, against a common greatest one. */
export function bargauge(context) {
  const found = context.singles();
  if (!found.length) return context.nothing();
  const most = found.reduce((greatest, { value }) => Math.max(greatest, typeof value === "number" ? value : 0), 0);
  const rows = found.map((one) => {
    const shown = display(one.field, one.value);
    const { min } = limits(one);
    const max = one.field.config.max ?? (most || 1);
    const share = typeof one.value === "number" ? Math.min(Math.max((one.value - min) / (max - min || 1), 0), 1) : 0;
    const own = shown.color && one.field.config.color?.mode !== "palette-classic" ? shown.color : byNameOr(one, context);
    const bar = h("div.bar", { style: { width: `${share * 100}%`, "--color": own } });
    const row = h("li", {}, h("span.name", { title: one.title }, context.linked(one, one.title)), h("span.track", { "aria-hidden": "true" }, bar), h("span.value", { data: { value: one.value ?? "" }, style: { color: shown.isNull ? null : own } }, shown.text));
    return attach(row, () => lines([[one.title, exactly(one) ?? shown.text]]));
  });
  context.body.append(h("ul.bargauge", { tabindex: "0", "aria-label": context.title }, rows));
  return {};
}

function byNameOr(one, context) {
  const steps = one.field.config.thresholds?.steps ?? [];
  if (one.field.config.color?.mode === "thresholds" && steps.length > 1) return byThresholds(one.field.config.thresholds, Number(one.value));
  return context.paletteOf(one.field.index);
}
