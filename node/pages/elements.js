// Building what the pages show, and the frame around every page: who is signed in, and the node's condition.
// Text stays text: nothing that comes from the chain is ever read as markup.

import { Refusal, keepSession, read, session } from "./node.js";

const CONDITION_EVERY_MS = 3000;

/** @typedef {Node | string | undefined | false} Child */

/** Controls, and marks that would turn what stands beside them around. */
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** Text of others, in which what does not show itself is written out. @param {string} text */
export const seen = (text) => text.replace(UNSEEN, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`);

/** An element with properties and children; absent children are left out, and text is `seen`.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag @param {Record<string, unknown>} properties @param {...Child} children
 * @returns {HTMLElementTagNameMap[T]} */
export function el(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  const there = children.filter((child) => child !== undefined && child !== false);
  made.append(...there.map((child) => (typeof child === "string" ? seen(child) : child)));
  return made;
}

/** Named facts; those without a value are left out. @param {Record<string, Child | Child[]>} named */
export function facts(named) {
  const rows = Object.entries(named).filter(([, value]) => value !== undefined && value !== false);
  return el("dl", {}, ...rows.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, ...[value].flat())]));
}

/** A table that scrolls by itself when the screen is narrow. @param {string} caption @param {string[]} heads
 * @param {Child[][]} rows @param {Child[][]} [sums] */
export function table(caption, heads, rows, sums = []) {
  const line = (/** @type {Child[]} */ cells, /** @type {"td" | "th"} */ tag) =>
    el("tr", {}, ...cells.map((cell) => el(tag, {}, cell)));
  return el("div", { className: "scroll", tabIndex: 0, role: "region", ariaLabel: caption },
    el("table", {}, el("caption", {}, caption), el("thead", {}, line(heads, "th")),
      el("tbody", {}, ...rows.map((row) => line(row, "td"))), el("tfoot", {}, ...sums.map((row) => line(row, "td")))));
}

/** A moment, in the reader's time and in UTC. @param {number} ms */
export function moment(ms) {
  const local = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" }).format(ms);
  const utc = new Date(ms).toISOString();
  return el("time", { dateTime: utc }, local, " ", el("small", {}, `(${utc.slice(0, 19).replace("T", " ")} UTC)`));
}

/** A digest or id, in full. @param {string | undefined} value */
export const code = (value) => value !== undefined && el("code", {}, value);

/** A word on a coloured ground. @param {string} word @param {string} kind */
export const badge = (word, kind) => el("span", { className: `badge ${kind}` }, word);

const SVG = "http://www.w3.org/2000/svg";

/** A plan of a picture: the part that lies in the other one, and what was altered there; a box has two corners.
 * @param {number} width @param {number} height @param {{x_ppm: number, y_ppm: number}[]} part
 * @param {{x_ppm: number, y_ppm: number}[][]} boxes @param {string} [picture] where the picture itself is */
export function plan(width, height, part, boxes, picture) {
  const made = (/** @type {string} */ tag, /** @type {Record<string, string>} */ attributes) => {
    const shape = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) shape.setAttribute(name, value);
    return shape;
  };
  const at = (/** @type {{x_ppm: number, y_ppm: number}} */ point) => [(point.x_ppm * width) / 1e6, (point.y_ppm * height) / 1e6];
  const svg = made("svg", { viewBox: `0 0 ${width} ${height}`, class: "plan", role: "img" });
  const sides = { width: String(width), height: String(height) };
  svg.append(made("rect", { class: "whole", ...sides }),
    ...(picture ? [made("image", { href: picture, preserveAspectRatio: "none", ...sides })] : []),
    made("polygon", { class: "part", points: part.map((point) => at(point).join(",")).join(" ") }));
  for (const [first, last] of boxes) {
    const [[left, top], [right, bottom]] = [at(first), at(last)];
    svg.append(made("rect", { class: "altered", x: String(left), y: String(top), width: String(right - left), height: String(bottom - top) }));
  }
  return svg;
}

/** Give the reader a file of JSON, byte for byte. @param {string} name @param {string} text */
export function save(name, text) {
  const href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  el("a", { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), 10_000);
}

/** What went wrong, for the reader. @param {unknown} error */
export function refusal(error) {
  if (!(error instanceof Refusal)) console.error(error);
  const shown = error instanceof Refusal ? error : new Refusal("PAGE_FAILED", "The page failed; reload it.");
  return el("div", { className: "refusal" }, el("strong", {}, shown.code), el("p", {}, shown.message));
}

/** @param {string} id @returns {HTMLElement} */
export function place(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}

function showMember() {
  const opened = session();
  const leave = el("button", { className: "plain", onclick: () => keepSession(null) }, "Sign out");
  place("member").replaceChildren(...(opened ? [opened.account, leave] : []));
}

async function showCondition() {
  try {
    const { chain, node, role, height } = await read("/v1/status");
    place("condition").textContent = `${chain} · block ${height} · ${node}, ${role}`;
  } catch {
    place("condition").textContent = "The node does not answer; trying again…";
  }
  setTimeout(showCondition, CONDITION_EVERY_MS);
}

/** Show the frame and keep it up to date. */
export function frame() {
  addEventListener("session", showMember);
  showMember();
  showCondition();
}
