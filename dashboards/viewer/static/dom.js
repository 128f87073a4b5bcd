// How is the page built? From nodes alone: texts become text nodes, so nothing that an agent said is ever read as
// HTML. The one place where elements are made.

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element.
 * @param {string} tag name, `button.small.quiet` with classes
 * @param {object} [given] attributes; `on` maps events to listeners, `style` and `data` map names to values
 * @param {...(Node|string|number|null|false|Array)} children nodes or texts
 */
export function h(tag, given = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  return dress(document.createElement(name), classes, given, children);
}

/** The same for SVG. */
export function s(tag, given = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  return dress(document.createElementNS(SVG, name), classes, given, children);
}

/** Put other children into an element. */
export function fill(element, ...children) {
  element.replaceChildren();
  append(element, children);
  return element;
}

/** Say something to those who listen instead of looking. */
export function tell(text) {
  document.getElementById("told").textContent = text;
}

let number = 0;

/** An id that no other element has. */
export function fresh(prefix) {
  number += 1;
  return `${prefix}-${number}`;
}

function dress(element, classes, given, children) {
  if (classes.length) element.classList.add(...classes);
  const { on = {}, style = {}, data = {}, ...attributes } = given;
  for (const [event, listener] of Object.entries(on)) element.addEventListener(event, listener);
  // Through CSSOM: the policy forbids style attributes.
  for (const [name, value] of Object.entries(style)) {
    if (value !== null && value !== undefined) element.style.setProperty(name, String(value));
  }
  for (const [name, value] of Object.entries(data)) element.dataset[name] = String(value);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, String(value));
  }
  append(element, children);
  return element;
}

function append(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child !== null && child !== undefined && child !== false) {
      element.append(child instanceof Node ? child : String(child));
    }
  }
}
