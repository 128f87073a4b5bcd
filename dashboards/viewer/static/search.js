// In which prompts, answers, arguments and results do these words stand? Each hit leads to its step in its run.

import { ask, get, records } from "./api.js";
import { fill, h, tell } from "./dom.js";
import { query } from "./links.js";
import { read, write } from "./state.js";
import { iso } from "./times.js";

const RANGES = [["Last day", 864e5], ["Last week", 6048e5], ["Last 30 days, all that is kept", 2592e6], ["Any time of the event", null]];
const NAMES = { system_instructions: "instructions", input_messages: "told", output_messages: "answered", tool_call_arguments: "arguments", tool_call_result: "result" };

export async function showSearch(main, { defaults }) {
  document.title = "Search – wakeline";
  const { text, variables } = read();
  const range = Number(new URLSearchParams(location.search).get("range") ?? 3);
  const found = h("div.hits", { "aria-live": "polite" });
  const input = h("input", { type: "search", value: text, name: "q", required: true, maxlength: 500, autocomplete: "off" });
  const space = h("select", { name: "namespace" });
  const reach = h("select", { name: "range" }, RANGES.map(([name], number) => h("option", { value: number, selected: number === range }, name)));
  const submit = (event) => {
    event?.preventDefault();
    write({ q: input.value, "var-namespace": space.value, range: reach.value });
    run(found, { text: input.value, namespace: space.value, spanMs: RANGES[Number(reach.value)]?.[1] ?? null });
  };
  const form = h("form.search", { role: "search", on: { submit } }, h("label.wide", {}, h("span", {}, "Words"), input), h("label", {}, h("span", {}, "Namespace"), space), h("label", {}, h("span", {}, "When"), reach), h("button.strong", { type: "submit" }, "Search"));
  fill(main, h("h1", {}, "Search contents"), h("p.quiet", {}, "Prompts, answers, reasoning, arguments and results. All words must be there, whatever their case; “double quotes” keep a phrase together."), form, found);
  const wanted = variables.namespace ?? defaults.namespace ?? "live";
  try {
    const names = (await get("namespaces")).values[0] ?? [];
    const all = [...new Set([...names, String(wanted)])];
    fill(space, all.map((name) => h("option", { value: name, selected: name === wanted }, name)));
  } catch (error) {
    fill(found, h("p.failure", { role: "alert" }, error.message));
    return;
  }
  if (text) run(found, { text, namespace: space.value, spanMs: RANGES[range]?.[1] ?? null });
  else input.focus();
}

async function run(found, { text, namespace, spanMs }) {
  fill(found, h("p.quiet", {}, "Searching"));
  // A clock may run ahead by a day; any time is any time that can be stored.
  const end = spanMs === null ? 9.18e12 : Date.now() + 864e5;
  try {
    const answer = await ask("search", { namespace, text: text.replace(/[“”]/g, '"'), start_ms: spanMs === null ? 0 : Math.max(0, Date.now() - spanMs), end_ms: end });
    show(found, answer, namespace);
  } catch (error) {
    fill(found, h("p.failure", { role: "alert" }, error.message));
  }
}

function show(found, { hits, steps, words, most }, namespace) {
  const rows = records(hits);
  const owners = new Map(records(steps).map((step) => [step.event_id, step]));
  if (!rows.length) {
    fill(found, h("p.nothing", {}, `Nothing in ${namespace} holds ${words.map((word) => `“${word}”`).join(" and ")}.`));
    return;
  }
  const count = rows.length > most ? `The newest ${most} of more` : `${rows.length} found`;
  tell(count);
  fill(found, h("p.quiet", {}, count), h("ol.hit-list", {}, rows.slice(0, most).map((hit) => item(hit, owners.get(hit.event_id), words, namespace))));
}

function item(hit, owner, words, namespace) {
  const around = 36e5;
  const span = /^[0-9a-f]{32}-([0-9a-f]{16})$/.exec(hit.event_id)?.[1] ?? hit.event_id;
  const address = `/d/wakeline-runs?${query({ "var-namespace": namespace, "var-run": hit.run_id, from: Math.floor(hit.time - around), to: Math.ceil(hit.time + around), step: span })}`;
  const title = [owner?.agent_name, owner?.step_name].filter(Boolean).join(" · ") || hit.run_id;
  return h("li.hit", {}, h("h2", {}, h("a", { href: address }, title)), h("p.when", {}, `${NAMES[hit.name] ?? hit.name} · ${iso(hit.time)} · run ${hit.run_id}`), h("p.excerpt", {}, hit.at > 121 && "… ", highlighted(hit.excerpt, words), [...hit.excerpt].length >= 420 && " …"));
}

/** A text as nodes, the words marked. */
function highlighted(text, words) {
  const escaped = words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).sort((one, two) => two.length - one.length);
  const parts = text.split(new RegExp(`(${escaped.join("|")})`, "giu"));
  return parts.map((part, number) => (number % 2 ? h("mark", {}, part) : part));
}
