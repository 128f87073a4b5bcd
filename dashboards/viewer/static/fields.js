// What does an answer mean to a panel? Columns become fields; a dashboard's defaults and overrides become each field's
// unit, colour, thresholds and name. The rules are Grafana's.

import { byThresholds, color, palette } from "./colors.js";
import { format } from "./units.js";

/**
 * @typedef {object} Field
 * @property {string} name of its column
 * @property {"time"|"number"|"boolean"|"string"|"other"} kind
 * @property {Array} values a row each; null where there is none
 * @property {Array<boolean>} [told] of a series: whether its answer had a row there at all
 * @property {Object<string, string>} labels of a series: text columns by name
 * @property {object} config unit, decimals, thresholds, mappings, custom... of this field
 * @property {string} title what it is called on the panel
 * @property {number} index among the panel's numbers, for its colour
 */

const FORMAT_TIMESERIES = 0;

/** Frames of a panel: one for each target, with every field's settings put together. */
export function framesOf(panel, answers, interpolate) {
  const frames = answers.map(({ ref, answer }) => {
    const plain = answer.columns.map((column, number) => field(column, answer.values[number]));
    const fields = answer.format === FORMAT_TIMESERIES ? series(plain) : plain;
    return { ref, fields, length: fields[0]?.values.length ?? 0, isCut: answer.is_cut, intervalMs: answer.interval_ms };
  });
  let index = 0;
  for (const frame of frames) {
    const numbers = frame.fields.filter((one) => one.kind === "number");
    for (const one of frame.fields) {
      one.title = automatic(one, numbers.length);
      one.index = one.kind === "number" ? index++ : 0;
      configure(one, frame, panel.fieldConfig ?? {}, interpolate);
    }
  }
  return frames;
}

function field(column, values) {
  const read = column.kind === "number" ? values.map(exact) : values;
  return { name: column.name, kind: column.kind, values: read, labels: {}, config: {}, title: column.name, index: 0 };
}

// What JSON cannot hold came as text: what is no finite number, and whole numbers that would lose digits.
function exact(value) {
  if (typeof value !== "string") return value;
  return /^[+-]?\d+$/.test(value) ? value : Number(value);
}

/** Rows of time, texts and numbers as a field for each number and each combination of texts. */
export function series(fields) {
  const time = fields.find((one) => one.kind === "time");
  const texts = fields.filter((one) => one !== time && ["string", "boolean"].includes(one.kind));
  const numbers = fields.filter((one) => one.kind === "number");
  if (!time || !numbers.length || !texts.length) return fields;
  const times = [...new Set(time.values)].sort((one, two) => one - two);
  const place = new Map(times.map((at, number) => [at, number]));
  const found = new Map();
  for (let row = 0; row < time.values.length; row += 1) {
    for (const number of numbers) {
      const labels = Object.fromEntries(texts.map((text) => [text.name, String(text.values[row] ?? "")]));
      const key = JSON.stringify([number.name, labels]);
      if (!found.has(key)) found.set(key, { ...number, labels, values: new Array(times.length).fill(null), told: new Array(times.length).fill(false) });
      const at = place.get(time.values[row]);
      found.get(key).values[at] = number.values[row];
      found.get(key).told[at] = true;
    }
  }
  return [{ ...time, values: times }, ...found.values()];
}

function automatic(one, numbers) {
  const labels = Object.values(one.labels);
  if (!labels.length) return one.name;
  return numbers > 1 ? `${one.name} ${labels.join(", ")}` : labels.join(", ");
}

function configure(one, frame, fieldConfig, interpolate) {
  const config = structuredClone(fieldConfig.defaults ?? {});
  for (const override of fieldConfig.overrides ?? []) {
    if (!matches(override.matcher, one, frame, config)) continue;
    for (const { id, value } of override.properties ?? []) put(config, id, structuredClone(value));
  }
  one.config = config;
  if (config.displayName) {
    const shown = interpolate(config.displayName, { field: one });
    // A name that asks for a label which this field lacks would be empty.
    if (shown.trim() && one.kind !== "time") one.title = shown;
  }
}

function matches(matcher, one, frame, config) {
  const { id, options } = matcher ?? {};
  const names = [one.name, one.title, ...Object.values(one.labels)];
  if (id === "byName") return names.includes(options) || config.displayName === options;
  if (id === "byNames") return names.some((name) => options?.names?.includes(name));
  if (id === "byType") return one.kind === options;
  if (id === "byFrameRefID") return frame.ref === options;
  if (id === "byRegexp") return names.some((name) => expression(options)?.test(name));
  return false;
}

/** Grafana's way to write an expression: `/text/flags`, or the text alone. */
export function expression(text) {
  const parts = /^\/(.*)\/([gimsuy]*)$/s.exec(text ?? "");
  try {
    return parts ? new RegExp(parts[1], parts[2].replace("g", "")) : new RegExp(`^${text}$`);
  } catch {
    return null;
  }
}

function put(config, path, value) {
  const parts = path.split(".");
  let place = config;
  for (const part of parts.slice(0, -1)) {
    place[part] ??= {};
    place = place[part];
  }
  place[parts.at(-1)] = value;
}

/**
 * How a value stands on the panel.
 * @returns {{text: string, color: string|null, isNull: boolean, isMapped: boolean}} the colour by mapping or threshold
 */
export function display(one, value) {
  const { config } = one;
  const mapped = mapping(config.mappings, value);
  const isNull = value === null || value === undefined;
  const own = mapped?.color ? color(mapped.color) : null;
  if (mapped?.text) return { text: mapped.text, color: own, isNull, isMapped: true };
  if (isNull) return { text: config.noValue ?? "–", color: own, isNull, isMapped: false };
  const text = textOf(one, value);
  return { text, color: own ?? valueColor(one, value), isNull, isMapped: own !== null };
}

function textOf(one, value) {
  if (one.kind === "number") return format(value, config(one, "unit"), config(one, "decimals"));
  if (one.kind === "time") return format(value, config(one, "unit")?.startsWith("dateTime") ? config(one, "unit") : "dateTimeAsIso");
  if (one.kind === "other") return JSON.stringify(value);
  return String(value);
}

function config(one, name) {
  return one.config[name] ?? undefined;
}

/** The colour of a value: by thresholds, fixed, or that of its series. */
export function valueColor(one, value) {
  const mode = one.config.color?.mode ?? "thresholds";
  if (mode === "thresholds" && one.kind === "number") {
    return byThresholds(one.config.thresholds, Number(value), { min: one.config.min, max: one.config.max });
  }
  return mode === "fixed" ? color(one.config.color.fixedColor) : null;
}

/** The colour of a whole series. */
export function seriesColor(one) {
  const { mode, fixedColor } = one.config.color ?? {};
  if (mode === "fixed" && color(fixedColor)) return color(fixedColor);
  if (mode === "thresholds") return byThresholds(one.config.thresholds, lastOf(one.values) ?? 0, one.config);
  return palette(one.index);
}

function lastOf(values) {
  return values.findLast((value) => value !== null && value !== undefined);
}

function mapping(mappings, value) {
  for (const { type, options } of mappings ?? []) {
    const found = MAPPINGS[type]?.(options ?? {}, value);
    if (found) return found;
  }
  return null;
}

const MAPPINGS = {
  value: (options, value) => (value === null || value === undefined ? null : options[String(value)] ?? null),
  range: ({ from, to, result }, value) =>
    typeof value === "number" && value >= (from ?? -Infinity) && value <= (to ?? Infinity) ? result : null,
  regex: ({ pattern, result }, value) => (value !== null && expression(pattern)?.test(String(value)) ? result : null),
  special: ({ match, result }, value) => {
    const cases = {
      null: value === null || value === undefined, nan: Number.isNaN(value), "null+nan": value === null || Number.isNaN(value),
      true: value === true, false: value === false, empty: value === "",
    };
    return cases[match] ? result : null;
  },
};

/** Fields that are drawn as numbers. */
export function numbersOf(frame) {
  return frame.fields.filter((one) => one.kind === "number" && !one.config.custom?.hideFrom?.viz);
}

/** The first field of times, or null. */
export function timeOf(frame) {
  return frame.fields.find((one) => one.kind === "time") ?? null;
}
