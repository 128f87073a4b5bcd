// Where does a link lead, and may it? Grafana's placeholders are filled in; what comes out must lead to this server,
// or to a page over http. Values are untrusted: each is escaped where it stands.

import { ALL } from "./state.js";

const PLACEHOLDER = /\$\{([^}:]+)(?::([^}]+))?\}|\$(\w+)|\[\[(\w+)\]\]/g;

/**
 * Fill in placeholders.
 * @param {string} template of a title or a link
 * @param {object} scope `variables` (name to value or values), `from`, `to`, and of a value: `field`, `row`, `frame`,
 *   `value`, `text`
 * @param {boolean} isUrl escape each value for a link
 */
export function interpolate(template, scope, isUrl = false) {
  return String(template).replace(PLACEHOLDER, (whole, name, form, short, old, at) => {
    const found = lookup(name ?? short ?? old, scope);
    if (found === undefined) return whole;
    if (found.isQuery) return found.query;
    return written(found.value, form, name ?? short ?? old, isUrl && !(at === 0 && form !== "percentencode"));
  });
}

/** A link that may be followed, or null. */
export function safe(url) {
  let target;
  try {
    target = new URL(url, location.href);
  } catch {
    return null;
  }
  if (target.protocol !== "http:" && target.protocol !== "https:") return null;
  return target.origin === location.origin ? target.pathname + target.search + target.hash : target.href;
}

/** Attributes of a link to a safe address. */
export function attributes(url) {
  return url.startsWith("/") && !url.startsWith("//") ? { href: url } : { href: url, target: "_blank", rel: "noopener noreferrer" };
}

/** The links of a value: title and address of each that may be followed. */
export function linksOf(links, scope) {
  return (links ?? []).flatMap(({ title, url }) => {
    const href = safe(interpolate(url ?? "", scope, true));
    return href === null ? [] : [{ title: interpolate(title || "Open", scope), href }];
  });
}

function lookup(name, scope) {
  if (name === "__url_time_range") return { isQuery: true, query: query({ from: scope.from, to: scope.to }) };
  if (name === "__all_variables") return { isQuery: true, query: variablesQuery(scope.variables) };
  if (name === "__from" || name === "__to") return { value: scope[name.slice(2)] };
  if (name.startsWith("__field.labels.")) return { value: scope.field?.labels[name.slice(15).replace(/^["']|["']$/g, "")] ?? "" };
  if (name === "__field.name") return { value: scope.field?.name ?? "" };
  if (name === "__series.name" || name === "__field.displayName") return { value: scope.field?.title ?? "" };
  if (name === "__value.raw" || name === "__value.numeric") return { value: scope.value ?? "" };
  if (name === "__value.text" || name === "__value") return { value: scope.text ?? scope.value ?? "" };
  if (name === "__value.time") return { value: rowValue(scope, (one) => one.kind === "time") };
  const data = /^__data\.fields(?:\.(.+)|\[["']?(.+?)["']?\])$/.exec(name);
  if (data) {
    const wanted = data[1] ?? data[2];
    return { value: rowValue(scope, (one, number) => one.name === wanted || one.title === wanted || String(number) === wanted) };
  }
  if (name in (scope.variables ?? {})) return { value: scope.variables[name] };
  return undefined;
}

function rowValue({ frame, row }, wanted) {
  return frame?.fields.find(wanted)?.values[row] ?? "";
}

function written(value, form, name, isUrl) {
  const values = Array.isArray(value) ? value.map(String) : [typeof value === "object" && value !== null ? JSON.stringify(value) : String(value)];
  if (form === "queryparam") return values.map((one) => `var-${encodeURIComponent(name)}=${encodeURIComponent(one)}`).join("&");
  const joined = values.join(form === "pipe" ? "|" : form === "csv" || values.length < 2 ? "," : ", ");
  return isUrl || form === "percentencode" ? encodeURIComponent(joined) : joined;
}

/** A query string; several values of one name stand beside each other, as Grafana's links have them. */
export function query(entries) {
  const parts = new URLSearchParams();
  for (const [name, value] of Object.entries(entries)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== null && one !== undefined) parts.append(name, one);
    }
  }
  return parts.toString();
}

export function variablesQuery(variables) {
  const named = Object.entries(variables ?? {}).filter(([, value]) => value !== "");
  return query(Object.fromEntries(named.map(([name, value]) => [`var-${name}`, Array.isArray(value) && !value.length ? ALL : value])));
}
