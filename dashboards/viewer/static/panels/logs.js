// Lines as they were written, the newest first or last, each with its time, its level and what else is known.

import { color } from "../colors.js";
import { h } from "../dom.js";
import { display, timeOf } from "../fields.js";
import { iso } from "../times.js";

const AT_ONCE = 200;
const BODIES = ["body", "content", "message", "line", "text"];
const LEVELS = ["level", "severity", "lvl"];
const COLORS = { error: "red", err: "red", critical: "red", fatal: "red", warning: "yellow", warn: "yellow", info: "blue", debug: "purple" };

export function draw(context) {
  const frame = context.frames.find((one) => one.length > 0);
  const body = frame && (byNames(frame, BODIES) ?? frame.fields.find((one) => one.kind === "string"));
  if (!body) return context.nothing();
  const level = byNames(frame, LEVELS);
  const time = timeOf(frame);
  const rest = frame.fields.filter((one) => ![body, level, time].includes(one));
  const rows = Array.from({ length: frame.length }, (_, row) => row);
  if (time && context.panel.options?.sortOrder !== "Ascending") rows.sort((one, two) => time.values[two] - time.values[one]);
  const lines = rows.slice(0, AT_ONCE).map((row) => line(context, { frame, body, level, time, rest }, row));
  const note = frame.length > AT_ONCE ? h("p.note", {}, `${AT_ONCE} of ${frame.length} lines are shown; the table has ${frame.isCut ? "more" : "all"}.`) : null;
  context.body.append(h("ol.logs.scrolls", { tabindex: "0", "aria-label": context.title }, lines), ...[note].filter(Boolean));
  return {};
}

function byNames(frame, names) {
  return frame.fields.find((one) => names.includes(one.name.toLowerCase()));
}

function line(context, { frame, body, level, time, rest }, row) {
  const severity = level ? String(level.values[row] ?? "") : "";
  const own = color(COLORS[severity.toLowerCase()]) ?? "var(--quiet)";
  const head = [time && h("time", {}, iso(time.values[row])), severity && h("span.level", { style: { "--color": own } }, severity), h("span.said", {}, String(body.values[row] ?? ""))];
  const known = rest.map((field) => [field, field.values[row]]).filter(([, value]) => value !== null && value !== "");
  const links = context.linksFor({ field: body, frame, row, value: body.values[row] });
  if (!known.length && !links.length) return h("li", { style: { "--color": own } }, head);
  const pairs = known.map(([field, value]) => [h("dt", {}, field.title), h("dd", {}, context.linked({ field, frame, row, value }, display(field, value).text))]);
  return h("li", { style: { "--color": own } }, h("details", {}, h("summary", {}, head), h("dl.lines", {}, pairs), context.linkList(links)));
}
