// Which moments does a range mean, and how is a time written? Ranges are Grafana's: `now-6h`, `now/d`, milliseconds,
// or a date. Times are shown in the browser's zone, or in UTC where the dashboard says so.

const CLOCK_MS = { s: 1e3, m: 6e4, h: 36e5 };
const NAMES = { s: "second", m: "minute", h: "hour", d: "day", w: "week", M: "month", y: "year" };

export const PRESETS = [
  "now-5m", "now-15m", "now-30m", "now-1h", "now-3h", "now-6h", "now-12h", "now-24h", "now-2d", "now-7d", "now-30d", "now-90d",
];

let zone = "browser";

/** Set the zone for the page: `browser` or `utc`. */
export function useZone(name) {
  zone = name === "utc" || name === "UTC" ? "utc" : "browser";
}

export function zoneName() {
  return zone === "utc" ? "UTC" : Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/**
 * Milliseconds of one end of a range; null when the text means none.
 * @param {string} text as in a link
 * @param {boolean} isEnd whether `/d` rounds up
 */
export function moment(text, isEnd, now = Date.now()) {
  if (/^\d{1,14}$/.test(text)) return Number(text);
  const relative = /^now(?:([+-])(\d+)([smhdwMy]))?(?:\/([smhdwMy]))?$/.exec(text);
  if (relative) {
    const [, sign, count, unit, round] = relative;
    let time = now;
    if (unit) time = moved(time, (sign === "-" ? -1 : 1) * Number(count), unit);
    return round ? rounded(time, round, isEnd) : time;
  }
  if (!/^\d{4}-\d{2}-\d{2}/.test(text)) return null;
  const local = text.replace(" ", "T");
  const hasZone = /(Z|[+-]\d{2}:?\d{2})$/.test(local);
  const time = Date.parse(hasZone || zone === "browser" ? withClock(local) : `${withClock(local)}Z`);
  return Number.isNaN(time) ? null : time;
}

/** Words for a range. */
export function rangeText(from, to) {
  const relative = /^now-(\d+)([smhdwMy])$/.exec(from);
  if (relative && to === "now") {
    const [, count, unit] = relative;
    return `Last ${count === "1" ? NAMES[unit] : `${count} ${NAMES[unit]}s`}`;
  }
  const ends = [moment(from, false), moment(to, true)];
  return ends.map((end, number) => (end === null ? [from, to][number] : iso(end, false))).join(" – ");
}

/** `2026-03-01 09:30:00`; without seconds when they are not wanted. */
export function iso(ms, seconds = true) {
  if (!Number.isFinite(ms)) return "";
  const parts = new Date(ms + offset(ms)).toISOString();
  return `${parts.slice(0, 10)} ${parts.slice(11, seconds ? 19 : 16)}`;
}

/** The time of day, with milliseconds when the span is under two minutes. */
export function clock(ms, spanMs) {
  const parts = new Date(ms + offset(ms)).toISOString();
  return parts.slice(11, spanMs < 12e4 ? 23 : 19);
}

/** What Plotly takes: it knows UTC alone, so clocks of the zone are given as if they were UTC's. */
export function toPlot(ms) {
  return ms === null ? null : ms + offset(ms);
}

/** Back from an axis of Plotly. */
export function fromPlot(text) {
  const shown = typeof text === "number" ? text : Date.parse(`${withClock(String(text).replace(" ", "T"))}Z`);
  return Math.round(shown - offset(shown - offset(shown)));
}

const STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 345600, 604800, 1209600, 2592000, 7776000, 31536000];

/** Moments on an axis from one clock to another, at most so many, with their texts; as Plotly takes them. */
export function timeTicks(from, to, most) {
  const step = (STEPS_S.find((one) => (to - from) / 1e3 / one <= most) ?? STEPS_S.at(-1)) * 1e3;
  const ticks = [];
  for (let at = Math.ceil(from / step) * step; at <= to; at += step) {
    const text = new Date(at).toISOString();
    const isMidnight = text.slice(11, 19) === "00:00:00";
    const day = new Date(at).toLocaleDateString("en", { timeZone: "UTC", month: "short", day: "numeric", ...(step > 2e10 ? { year: "numeric" } : {}) });
    ticks.push({ at, text: isMidnight ? day : text.slice(11, step < 6e4 ? 19 : 16) });
  }
  return ticks;
}

/** How long ago, or ahead. */
export function ago(ms, now = Date.now()) {
  const seconds = (ms - now) / 1e3;
  const steps = [[60, "second"], [60, "minute"], [24, "hour"], [30, "day"], [12, "month"], [Infinity, "year"]];
  let count = seconds;
  for (const [many, name] of steps) {
    if (Math.abs(count) < many) {
      return new Intl.RelativeTimeFormat("en", { numeric: "auto" }).format(Math.round(count), name);
    }
    count /= many;
  }
  return "";
}

function withClock(text) {
  if (!text.includes("T")) return `${text}T00:00`;
  return /T\d{2}$/.test(text) ? `${text}:00` : text;
}

function offset(ms) {
  return zone === "utc" ? 0 : -new Date(ms).getTimezoneOffset() * 6e4;
}

// Days, months and years are the calendar's: a day of the zone may have 23 hours, and a month has its own days.

function parts(ms) {
  const date = new Date(ms);
  return zone === "utc"
    ? [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate(), date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds(), date.getUTCMilliseconds()]
    : [date.getFullYear(), date.getMonth(), date.getDate(), date.getHours(), date.getMinutes(), date.getSeconds(), date.getMilliseconds()];
}

/** The moment of a date and a clock of the zone; a month of 12 is the next January, a day of 0 the day before the first. */
function at(...calendar) {
  return zone === "utc" ? Date.UTC(...calendar) : new Date(...calendar).getTime();
}

function moved(time, count, unit) {
  if (unit in CLOCK_MS) return time + count * CLOCK_MS[unit];
  const [year, month, day, ...clock] = parts(time);
  if (unit === "d" || unit === "w") return at(year, month, day + count * (unit === "w" ? 7 : 1), ...clock);
  const other = month + count * (unit === "y" ? 12 : 1);
  // A month later than the 31st is the last day of a shorter month.
  const days = new Date(Date.UTC(year, other + 1, 0)).getUTCDate();
  return at(year, other, Math.min(day, days), ...clock);
}

function rounded(time, unit, isEnd) {
  if (unit in CLOCK_MS) {
    const begin = Math.floor((time + offset(time)) / CLOCK_MS[unit]) * CLOCK_MS[unit] - offset(time);
    return isEnd ? begin + CLOCK_MS[unit] - 1 : begin;
  }
  const [year, month, day] = parts(time);
  const monday = day - ((new Date(Date.UTC(year, month, day)).getUTCDay() + 6) % 7);
  const begin = { y: [year, 0, 1], M: [year, month, 1], w: [year, month, monday], d: [year, month, day] }[unit];
  const next = { y: [year + 1, 0, 1], M: [year, month + 1, 1], w: [year, month, monday + 7], d: [year, month, day + 1] }[unit];
  return isEnd ? at(...next) - 1 : at(...begin);
}
