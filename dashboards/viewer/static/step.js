// What is known of one step? Its numbers, and what it was told, said and thought, as the policy of INGEST kept it.

import { ask, records } from "./api.js";
import { h } from "./dom.js";
import { iso } from "./times.js";
import { format } from "./units.js";

const TITLES = {
  system_instructions: "Instructions", input_messages: "Told", output_messages: "Answered", reasoning: "Reasoning",
  tool_call_arguments: "Arguments", tool_call_result: "Result", input: "Input", output: "Output",
};
const ORDER = Object.keys(TITLES);
const TOKENS = [["input_tokens", "Input"], ["cache_read_input_tokens", "of it cached"], ["cache_write_input_tokens", "written to the cache"], ["output_tokens", "Output"], ["reasoning_output_tokens", "of it reasoning"]];

/** Nodes for the step of a span; a failure is said in place. */
export async function stepDetail({ namespace, trace, span }) {
  const heading = h("h3", {}, span.name || span.id);
  try {
    const { step, contents } = await ask("step", { namespace: String(namespace ?? ""), run: trace, step: span.id });
    const known = records(step)[0] ?? null;
    const said = records(contents).sort((one, two) => rank(one.name) - rank(two.name));
    return [heading, span.message && h("p.failure", {}, span.message), known ? facts(known) : h("p.quiet", {}, "This namespace has no such step."), said.map(content), said.length === 0 && known && h("p.quiet", {}, "No content is stored for this step: the emitter sent none, the policy drops it, or it has expired (30 days)."), attributesOf(known, span)];
  } catch (error) {
    return [heading, h("p.failure", { role: "alert" }, error.message), attributesOf(null, span)];
  }
}

function rank(name) {
  return ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length;
}

function facts(step) {
  const tokens = TOKENS.filter(([name]) => step[name] !== null).map(([name, title]) => `${title} ${Number(step[name]).toLocaleString("en")}`);
  const cost = step.cost_usd === null ? `none: ${step.cost_reason || step.cost_status}` : `$${Number(step.cost_usd).toFixed(6)} (${step.cost_status})`;
  const isCall = ["llm", "embedding"].includes(step.kind);
  const pairs = [
    ["Kind", step.kind], ["Agent", step.agent_name], ["Began", iso(step.start_time)], ["Took", step.duration_s === null ? "no end is known" : format(step.duration_s, "s")],
    ["First token after", step.time_to_first_chunk_s === null ? "" : format(step.time_to_first_chunk_s, "s")],
    ["Model", [step.provider_name, step.model].filter(Boolean).join(" · ")], ["Tokens", tokens.join(", ")], ["Cost", isCall || step.cost_usd !== null ? cost : ""],
    ["Ended because", step.finish_reasons], ["Error", [step.error_type, step.error_message].filter(Boolean).join(": ")],
  ];
  return h("dl.facts", {}, pairs.filter(([, value]) => value).map(([name, value]) => h("div", { class: name === "Error" ? "failed" : null }, h("dt", {}, name), h("dd", {}, value))));
}

/** One content: messages as a conversation, else JSON set apart, else the text. */
export function content({ name, content: text, length_bytes: length }) {
  const parsed = json(text);
  const messages = Array.isArray(parsed) && parsed.every((one) => one && typeof one === "object" && ("role" in one || "parts" in one || "content" in one)) ? parsed : null;
  const body = messages ? messages.map(message) : h("pre", {}, parsed === undefined || typeof parsed !== "object" ? text : JSON.stringify(parsed, null, 2));
  const stored = new TextEncoder().encode(text).length;
  const note = length > stored ? h("p.note", {}, `Only the first ${format(stored, "bytes")} of ${format(length, "bytes")} are stored.`) : null;
  return h("details.content", { open: true }, h("summary", {}, TITLES[name] ?? name), body, note);
}

function json(text) {
  if (!/^\s*[[{"]/.test(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // cut off, or no JSON: it is shown as it is
  }
}

function message(one) {
  const parts = Array.isArray(one.parts) ? one.parts : Array.isArray(one.content) ? one.content : [{ type: "text", content: one.content }];
  const calls = Array.isArray(one.tool_calls) ? one.tool_calls.map((call) => ({ type: "tool_call", ...call, ...call.function })) : [];
  return h("div.message", {}, h("span.role", {}, one.role ?? ""), [...parts, ...calls].map(part));
}

function part(one) {
  if (typeof one === "string") return h("p.words", {}, one);
  const text = one?.content ?? one?.text ?? one?.thinking ?? one?.reasoning;
  const type = one?.type ?? "text";
  if (/reason|think/.test(type)) return h("details.reasoning", { open: true }, h("summary", {}, "Reasoning"), h("p.words", {}, words(text)));
  if (/tool|function/.test(type)) return h("div.call", {}, h("span.role", {}, [type.replaceAll("_", " "), one.name].filter(Boolean).join(" · ")), h("pre", {}, words(one.arguments ?? one.input ?? one.response ?? one.result ?? one.content ?? one)));
  return h("p.words", {}, words(text ?? one));
}

function words(value) {
  if (value === null || value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}

function attributesOf(step, span) {
  const pairs = Object.entries(step?.attributes ?? Object.fromEntries(span.tags)).filter(([, value]) => value !== "");
  if (!pairs.length) return null;
  return h("details.content", {}, h("summary", {}, `Attributes (${pairs.length})`), h("dl.lines", {}, pairs.map(([name, value]) => [h("dt", {}, name), h("dd", {}, words(value))])));
}
