// What is the page about? The address says it all, as Grafana's does: dashboard, range, variables, refresh, one panel.

export const ALL = "$__all";

/** Read the address. */
export function read(address = location) {
  const parts = address.pathname.split("/").filter(Boolean).map(decodeURIComponent);
  const parameters = new URLSearchParams(address.search);
  const variables = {};
  for (const [name, value] of parameters) {
    if (!name.startsWith("var-")) continue;
    const key = name.slice(4);
    variables[key] = key in variables ? [variables[key], value].flat() : value;
  }
  return {
    page: parts[0] === "d" ? "dashboard" : parts[0] === "search" ? "search" : "home",
    uid: parts[0] === "d" ? parts[1] : null,
    from: parameters.get("from"),
    to: parameters.get("to"),
    refresh: parameters.get("refresh"),
    panel: parameters.get("viewPanel"),
    step: parameters.get("step"),
    text: parameters.get("q") ?? "",
    variables,
  };
}

/** Change parameters of the address; null takes one away. `replace` leaves no entry in the history. */
export function write(changes, { replace = false } = {}) {
  const parameters = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes)) {
    parameters.delete(name);
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== null && one !== undefined) parameters.append(name, one);
    }
  }
  const text = parameters.toString();
  const address = location.pathname + (text ? `?${text}` : "");
  if (address === location.pathname + location.search) return;
  if (replace) history.replaceState(null, "", address);
  else history.pushState(null, "", address);
}
