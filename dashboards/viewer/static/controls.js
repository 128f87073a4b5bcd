// What can be chosen above a dashboard? Its variables, its range of time, and how often it asks again.

import { h } from "./dom.js";
import { ALL } from "./state.js";
import { iso, moment, PRESETS, rangeText, zoneName } from "./times.js";

const REFRESHES = ["", "5s", "10s", "30s", "1m", "5m", "15m", "1h"];

/** A control for each variable that is shown. `choose(name, value)` is called with what was chosen. */
export function variableControls(variables, choose) {
  return variables.filter((one) => !one.is_hidden).map((variable) => {
    const control = variable.type === "textbox" ? textbox(variable, choose) : variable.multi ? several(variable, choose) : single(variable, choose);
    const error = variable.error && h("span.failure", { role: "alert" }, variable.error);
    return h("div.variable", { data: { variable: variable.name }, title: variable.description || null }, control, error);
  });
}

function textbox({ name, label, value }, choose) {
  const input = h("input", { type: "text", value, size: 16, on: { change: () => choose(name, input.value) } });
  return h("label", {}, h("span", {}, label), input);
}

function single({ name, label, value, options, all_too: hasAll }, choose) {
  const known = [...(hasAll ? [[ALL, "All"]] : []), ...options];
  const all = known.some(([one]) => one === value) || value === "" ? known : [...known, [value, value]];
  const list = all.map(([one, text]) => h("option", { value: one, selected: one === value }, text));
  const select = h("select", { on: { change: () => choose(name, select.value) } }, value === "" && h("option", { value: "", selected: true }, "–"), list);
  return h("label", {}, h("span", {}, label), select);
}

function several({ name, label, value, options, all_too: hasAll }, choose) {
  const chosen = new Set([value].flat());
  const texts = new Map(options);
  for (const one of chosen) if (one !== ALL && !texts.has(one)) texts.set(one, one);
  const summary = h("summary", {}, h("span", {}, label), h("strong", {}, summaryText(chosen, texts)));
  const boxes = [...texts].map(([one, text]) => box(one, text, chosen.has(one)));
  const all = hasAll ? box(ALL, "All", chosen.has(ALL)) : null;
  const filter = texts.size > 8 ? h("input.filter", { type: "search", placeholder: "Filter", "aria-label": `Filter ${label}`, on: { input: () => boxes.forEach(({ item, text }) => { item.hidden = !text.toLowerCase().includes(filter.value.toLowerCase()); }) } }) : null;
  const settle = () => {
    const picked = boxes.filter(({ input }) => input.checked).map(({ input }) => input.value);
    const next = all?.input.checked || !picked.length ? [ALL] : picked;
    if (next.join("\n") !== [...chosen].join("\n")) choose(name, next);
  };
  const details = h("details.several", { on: { toggle: () => { if (!details.open) settle(); }, keydown: (event) => { if (event.key === "Escape") close(details); } } }, summary, h("fieldset.sheet", {}, h("legend.only-read", {}, label), filter, all?.item, boxes.map(({ item }) => item), texts.size === 0 && h("p.quiet", {}, "Nothing to choose from in this range"), h("button", { type: "button", on: { click: () => close(details) } }, "Apply")));
  details.addEventListener("change", (event) => {
    if (event.target === all?.input && all.input.checked) boxes.forEach(({ input }) => { input.checked = false; });
    else if (event.target !== all?.input && event.target.checked && all) all.input.checked = false;
  });
  closeOutside(details);
  return details;
}

function box(value, text, isChosen) {
  const input = h("input", { type: "checkbox", value, checked: isChosen });
  return { input, text, item: h("label.choice", {}, input, h("span", {}, text)) };
}

function summaryText(chosen, texts) {
  if (chosen.has(ALL) || !chosen.size) return "All";
  const names = [...chosen].map((one) => texts.get(one));
  return names.length > 2 ? `${names.length} chosen` : names.join(", ");
}

function close(details) {
  details.open = false;
  details.querySelector("summary").focus();
}

// A click elsewhere closes a sheet, as it does a list.
function closeOutside(details) {
  document.addEventListener("pointerdown", (event) => {
    if (details.open && !details.contains(event.target)) details.open = false;
  });
}

/** The range of time: presets, two ends, back, forward and wider. `choose(from, to)` takes texts of links. */
export function timeControl({ from, to }, choose) {
  const [start, end] = [moment(from, false), moment(to, true)];
  const shift = (low, high) => choose(String(Math.round(low)), String(Math.round(high)));
  const span = end - start;
  const presets = PRESETS.map((preset) => h("li", {}, h("button", { type: "button", "aria-pressed": String(from === preset && to === "now"), on: { click: () => choose(preset, "now") } }, rangeText(preset, "now"))));
  const inputs = [["From", from, start], ["To", to, end]].map(([name, text, ms]) => h("input", { type: "text", value: text.startsWith("now") ? text : iso(ms), "aria-label": name, autocomplete: "off", spellcheck: "false" }));
  const wrong = h("p.failure", { role: "alert", hidden: true });
  const submit = (event) => {
    event.preventDefault();
    const texts = inputs.map(({ value }) => value.trim());
    const ends = [moment(texts[0], false), moment(texts[1], true)];
    const isWrong = ends.includes(null) || ends[0] >= ends[1];
    wrong.hidden = !isWrong;
    wrong.textContent = ends.includes(null) ? "A time is a date such as 2026-03-01 09:30, or now-6h" : "From must lie before To";
    if (isWrong) inputs[ends[0] === null || ends[1] !== null ? 0 : 1].focus();
    else choose(...texts.map((text, number) => (text.startsWith("now") ? text : String(ends[number]))));
  };
  const form = h("form", { on: { submit } }, inputs.map((input, number) => h("label", {}, h("span", {}, ["From", "To"][number]), input)), wrong, h("button.strong", { type: "submit" }, "Apply"), h("p.quiet", {}, `Times are ${zoneName()}. now-6h, now/d or a date.`));
  const details = h("details.range", { on: { keydown: (event) => { if (event.key === "Escape") close(details); } } }, h("summary", { "aria-label": `Range of time: ${rangeText(from, to)}` }, rangeText(from, to)), h("div.sheet.columns", {}, h("ul.presets", { "aria-label": "Ranges" }, presets), form));
  closeOutside(details);
  return h("div.time", { role: "group", "aria-label": "Time" }, button("‹", "Earlier", () => shift(start - span / 2, end - span / 2)), details, button("›", "Later", () => shift(start + span / 2, end + span / 2)), button("−", "A longer range", () => shift(start - span / 2, end + span / 2)));
}

function button(text, label, click) {
  return h("button.icon", { type: "button", "aria-label": label, title: label, on: { click } }, text);
}

/** Ask again: now, and each so often. */
export function refreshControl(refresh, again, choose) {
  const known = REFRESHES.includes(refresh) ? REFRESHES : [...REFRESHES, refresh];
  const select = h("select", { "aria-label": "Refresh", title: "Refresh", on: { change: () => choose(select.value) } }, known.map((one) => h("option", { value: one, selected: one === refresh }, one || "Off")));
  return h("div.refresh", {}, h("button.icon", { type: "button", "aria-label": "Refresh now", title: "Refresh now", on: { click: again } }, "↻"), select);
}

/** Milliseconds of `30s`, `1m`; 0 for off. */
export function refreshMs(text) {
  const parts = /^(\d+)([smh])$/.exec(text ?? "");
  return parts ? Number(parts[1]) * { s: 1e3, m: 6e4, h: 36e5 }[parts[2]] : 0;
}
