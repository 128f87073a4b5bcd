// How is a number written in its unit? Grafana's ids; scaled as its panels scale, with names a reader knows.

import { ago, iso } from "./times.js";

const SHORT = ["", " K", " M", " B", " T", " Q"];
const IEC = [" B", " KiB", " MiB", " GiB", " TiB", " PiB", " EiB"];
const SI = [" B", " kB", " MB", " GB", " TB", " PB", " EB"];
// Each step is that many of the one before it.
const DURATIONS = [[1e-9, " ns"], [1e-6, " µs"], [1e-3, " ms"], [1, " s"], [60, " min"], [3600, " h"], [86400, " d"], [604800, " wk"], [31557600, " yr"]];
const RATES = { reqps: "req/s", ops: "ops/s", rps: "reads/s", wps: "writes/s", cps: "c/s", eps: "evt/s", mps: "msg/s", rowsps: "rows/s", recps: "rec/s", reqpm: "req/min", opm: "ops/min", cpm: "c/min" };
const CURRENCIES = { currencyUSD: "$", currencyEUR: "€", currencyGBP: "£" };

// Whole numbers that were asked for without decimals are told in full as long as they are short.
const scaled = (factor, names) => (value, decimals) => {
  if (decimals === 0 && names === SHORT && Number.isInteger(value) && Math.abs(value) < 1e5) return value.toLocaleString("en");
  let rest = value;
  let step = 0;
  while (Math.abs(rest) >= factor && step < names.length - 1) {
    rest /= factor;
    step += 1;
  }
  return fixed(rest, step === 0 && Number.isInteger(value) && decimals === undefined ? 0 : decimals) + names[step];
};

const duration = (unitS) => (value, decimals) => {
  const seconds = Math.abs(value * unitS);
  if (seconds === 0) return `0${DURATIONS.find(([length]) => length === unitS)?.[1] ?? " s"}`;
  const [length, name] = DURATIONS.findLast(([one]) => seconds >= one * 0.9999999) ?? DURATIONS[0];
  return fixed((value * unitS) / length, decimals) + name;
};

const FORMATS = {
  none: (value, decimals) => fixed(value, decimals),
  short: scaled(1000, SHORT),
  sishort: scaled(1000, SHORT),
  percent: (value, decimals) => `${fixed(value, decimals)}%`,
  percentunit: (value, decimals) => `${fixed(value * 100, decimals)}%`,
  bytes: scaled(1024, IEC),
  decbytes: scaled(1000, SI),
  Bps: (value, decimals) => `${scaled(1000, SI)(value, decimals)}/s`,
  binBps: (value, decimals) => `${scaled(1024, IEC)(value, decimals)}/s`,
  locale: (value, decimals) => Number(value).toLocaleString("en", { maximumFractionDigits: decimals ?? 3 }),
  s: duration(1),
  ms: duration(1e-3),
  "µs": duration(1e-6),
  ns: duration(1e-9),
  m: duration(60),
  h: duration(3600),
  d: duration(86400),
  dtdurations: duration(1),
  dtdurationms: duration(1e-3),
  dateTimeAsIso: (value) => iso(value),
  dateTimeAsSystem: (value) => iso(value),
  dateTimeAsLocal: (value) => iso(value),
  dateTimeFromNow: (value) => ago(value),
  bool: (value) => (value ? "True" : "False"),
  bool_yes_no: (value) => (value ? "Yes" : "No"),
  bool_on_off: (value) => (value ? "On" : "Off"),
};

/**
 * A number in its unit.
 * @param {number|string} value a text is a whole number too great for JavaScript: shown digit by digit
 * @param {string} [unit] Grafana's id
 * @param {number} [decimals] unset leaves three figures
 */
export function format(value, unit = "none", decimals = undefined) {
  if (typeof value === "string") return value;
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "∞" : "−∞";
  if (value < 0) return `−${format(-value, unit, decimals)}`;
  const known = FORMATS[unit || "none"];
  if (known) return known(value, decimals ?? undefined);
  if (unit in CURRENCIES) return CURRENCIES[unit] + scaled(1000, SHORT)(value, decimals ?? undefined);
  if (unit in RATES) return `${scaled(1000, SHORT)(value, decimals ?? undefined)} ${RATES[unit]}`;
  const own = /^(suffix|prefix|time|currency):(.*)$/.exec(unit);
  if (own?.[1] === "prefix" || own?.[1] === "currency") return own[2] + fixed(value, decimals ?? undefined);
  if (own?.[1] === "time") return iso(value);
  return `${fixed(value, decimals ?? undefined)} ${own ? own[2] : unit}`;
}

/** So many decimals; unset leaves three figures and no zeros at the end. */
export function fixed(value, decimals) {
  if (decimals !== undefined && decimals !== null) return value.toFixed(Math.min(decimals, 20));
  if (value === 0) return "0";
  const magnitude = Math.floor(Math.log10(Math.abs(value)));
  if (magnitude < -12) return value.toExponential(2);
  const text = value.toFixed(Math.min(Math.max(2 - magnitude, 0), 20));
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}
