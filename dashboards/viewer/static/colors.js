// Which colour is meant? Grafana's names and palettes, in shades that read on the theme in use.

const DARK = {
  green: "#6cc070", yellow: "#f2cc4d", orange: "#f79a4b", red: "#f2686b", blue: "#6ea8fe", purple: "#b58cf0", gray: "#8b98a5", text: "#dfe5ec", transparent: "rgba(0,0,0,0)",
};
const LIGHT = {
  green: "#1f7a34", yellow: "#8a6500", orange: "#b35309", red: "#c22f35", blue: "#1f5fc4", purple: "#7440b8", gray: "#69758a", text: "#1b2430", transparent: "rgba(0,0,0,0)",
};
// Told apart by hue and by lightness, with the blind to red and green in mind.
const DARK_PALETTE = ["#5fb3d9", "#f0b357", "#7fce9b", "#e58fb5", "#a9a1f2", "#d8d26a", "#ef8a67", "#63c9c0", "#c3a38a", "#9db8d1"];
const LIGHT_PALETTE = ["#1f77a8", "#c4760b", "#2e8553", "#b8477e", "#5d54c4", "#8a8212", "#bf4a22", "#15837b", "#7d5c43", "#55718c"];

function isLight() {
  return document.documentElement.dataset.theme === "light";
}

/** A colour for CSS from Grafana's name (`dark-red`, `semi-dark-green`), hex or rgb(); null where it is none. */
export function color(name) {
  if (typeof name !== "string" || name === "") return null;
  const base = name.replace(/^(super-light|light|semi-dark|dark)-/, "").replace(/^grey$/, "gray");
  const known = (isLight() ? LIGHT : DARK)[base];
  if (known) return known;
  return CSS.supports("color", name) ? name : null;
}

/** The colour of the n-th of several things. */
export function palette(number) {
  const colors = isLight() ? LIGHT_PALETTE : DARK_PALETTE;
  return colors[number % colors.length];
}

/** The same thing has the same colour wherever it stands: by its name. */
export function byName(name) {
  let sum = 0;
  for (const character of name) sum = (sum * 31 + character.codePointAt(0)) % 9973;
  return palette(sum);
}

/** With so much of it, 0 to 1. */
export function faded(name, share) {
  return `color-mix(in srgb, ${name} ${Math.round(share * 100)}%, transparent)`;
}

/** The same as rgba, for what does not know color-mix. */
export function rgba(hex, alpha) {
  const digits = /^#([0-9a-f]{6})$/i.exec(hex)?.[1];
  if (!digits) return hex;
  const parts = [0, 2, 4].map((at) => parseInt(digits.slice(at, at + 2), 16));
  return `rgba(${parts.join(",")},${alpha})`;
}

/** Black or white, whichever reads better on a colour. */
export function readableOn(hex) {
  const digits = /^#([0-9a-f]{6})$/i.exec(hex)?.[1];
  if (!digits) return isLight() ? "#ffffff" : "#000000";
  const [red, green, blue] = [0, 2, 4].map((at) => {
    const share = parseInt(digits.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  const luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  return 1.05 / (luminance + 0.05) > (luminance + 0.05) / 0.05 ? "#ffffff" : "#000000";
}

/** A scale from nothing to much, for heat maps. */
export function heatScale() {
  return isLight()
    ? [[0, "#eaf2f8"], [0.35, "#9cc7e0"], [0.7, "#3f8dbb"], [1, "#0d3f66"]]
    : [[0, "#1c2a38"], [0.35, "#2b6c8f"], [0.7, "#57b0d4"], [1, "#e2f5fc"]];
}

/** The colour of a value by its thresholds; the text's where there are none. */
export function byThresholds(thresholds, value, { min = 0, max = 100 } = {}) {
  const steps = thresholds?.steps ?? [];
  const share = thresholds?.mode === "percentage" ? ((value - min) / (max - min || 1)) * 100 : value;
  let found = "text";
  for (const step of steps) {
    if (step.value === null || step.value === undefined || share >= step.value) found = step.color;
  }
  return color(found) ?? color("text");
}
