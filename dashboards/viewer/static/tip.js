// What appears beside a thing under the pointer or with the focus? One box for the whole page, closed by Escape.

import { fill, h } from "./dom.js";

let box = null;
let owner = null;

/** Show nodes beside an element, or at the pointer. */
export function show(element, event, ...nodes) {
  box ??= document.body.appendChild(h("div.tip", { role: "tooltip", id: "tip" }));
  owner?.removeAttribute("aria-describedby");
  owner = element;
  element.setAttribute("aria-describedby", "tip");
  fill(box, ...nodes);
  box.hidden = false;
  const place = element.getBoundingClientRect();
  const isPointer = event && "clientX" in event && event.clientX > 0;
  const at = isPointer ? [event.clientX, event.clientY] : [place.left + place.width / 2, place.bottom];
  const size = box.getBoundingClientRect();
  const left = Math.max(8, Math.min(at[0] + 12, innerWidth - size.width - 8));
  const below = at[1] + 14;
  const top = below + size.height > innerHeight - 8 ? Math.max(8, at[1] - size.height - 12) : below;
  box.style.setProperty("left", `${left}px`);
  box.style.setProperty("top", `${top}px`);
}

export function hide() {
  if (box) box.hidden = true;
  owner?.removeAttribute("aria-describedby");
  owner = null;
}

/** Give an element a box that shows what `make` returns. */
export function attach(element, make) {
  const open = (event) => show(element, event, ...[make()].flat());
  element.addEventListener("pointermove", open);
  element.addEventListener("pointerleave", hide);
  element.addEventListener("focus", open);
  element.addEventListener("blur", hide);
  return element;
}

/** Name and value lines. */
export function lines(pairs) {
  return h("dl.lines", {}, pairs.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") hide();
});
