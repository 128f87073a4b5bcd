// Words between the pictures: a small part of Markdown, as nodes; HTML in it stays text.

import { h } from "../dom.js";
import { attributes, interpolate, safe } from "../links.js";

const INLINE = /(`[^`]+`)|\*\*(.+?)\*\*|(?<![\w*])[*_](?=\S)(.+?)(?<=\S)[*_](?!\w)|\[([^\]]+)\]\(([^)\s]+)\)/g;

export function draw(context) {
  const { content = "", mode = "markdown" } = context.panel.options ?? {};
  const text = interpolate(content, context.scope());
  context.body.append(h("div.prose", {}, mode === "code" ? h("pre", {}, text) : markdown(text)));
  return {};
}

/** Nodes of a text: headings, lists, tables, code, paragraphs; bold, italic, code and links in them. */
function markdown(text) {
  const nodes = [];
  let list = null;
  for (const block of text.replace(/\r/g, "").split(/\n{2,}|(?=^#{1,6} )|(?<=^#{1,6} .*)\n/m)) {
    if (block.startsWith("```")) {
      nodes.push(h("pre", {}, block.replace(/^```\w*\n?|\n?```$/g, "")));
      continue;
    }
    if (/^\s*\|.*\n\s*\|[\s:|-]+\|?\s*(\n|$)/.test(block)) {
      nodes.push(table(block.trim().split("\n")));
      continue;
    }
    list = null;
    const paragraph = [];
    const flush = () => {
      if (paragraph.length) nodes.push(h("p", {}, inline(paragraph.join(" "))));
      paragraph.length = 0;
    };
    for (const line of block.split("\n")) {
      const heading = /^(#{1,6}) (.*)/.exec(line);
      const item = /^\s*(?:[-*]|(\d+)\.) (.*)/.exec(line);
      if (heading || item) flush();
      if (heading) nodes.push(h(`h${Math.min(heading[1].length + 2, 6)}`, {}, inline(heading[2])));
      else if (item) {
        if (!list) nodes.push((list = h(item[1] ? "ol" : "ul")));
        list.append(h("li", {}, inline(item[2])));
      } else if (line.trim()) {
        list = null;
        paragraph.push(line.trim());
      }
    }
    flush();
  }
  return nodes;
}

function table([head, , ...rows]) {
  const cells = (line) => line.trim().replace(/^\||\|$/g, "").split("|").map((cell) => cell.trim());
  const row = (line) => h("tr", {}, cells(line).map((cell) => h("td", {}, inline(cell))));
  return h("table.rows", {}, h("thead", {}, h("tr", {}, cells(head).map((cell) => h("th.left", { scope: "col" }, inline(cell))))), h("tbody", {}, rows.map(row)));
}

function inline(text) {
  const nodes = [];
  let at = 0;
  for (const match of text.matchAll(INLINE)) {
    nodes.push(text.slice(at, match.index));
    const [whole, code, bold, italic, name, url] = match;
    const href = url ? safe(url) : null;
    if (code) nodes.push(h("code", {}, code.slice(1, -1)));
    else if (bold) nodes.push(h("strong", {}, inline(bold)));
    else if (italic) nodes.push(h("em", {}, inline(italic)));
    else nodes.push(href ? h("a", attributes(href), name) : whole);
    at = match.index + whole.length;
  }
  nodes.push(text.slice(at));
  return nodes;
}
