/** @file Creates elements. Text only ever becomes a text node. */

/** @typedef {Node | string | number | null | undefined | false | Child[]} Child */

/**
 * Attributes; `class`; `style` as properties; `on…` listeners. `true` sets a bare attribute, `false`, `null` and
 * `undefined` set none. `value` and `checked` are set as properties.
 * @typedef {Record<string, any>} Props
 */

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Props | null} [props]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, props, ...children) {
  const element = document.createElement(tag);
  append(element, children);
  set(element, props ?? {});
  return element;
}

/**
 * As `h`, for SVG.
 * @template {keyof SVGElementTagNameMap} K
 * @param {K} tag
 * @param {Props | null} [props]
 * @param {...Child} children
 * @returns {SVGElementTagNameMap[K]}
 */
export function s(tag, props, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  append(element, children);
  set(element, props ?? {});
  return element;
}

/**
 * @param {Element} element
 * @param {Props} props
 */
export function set(element, props) {
  for (const [name, value] of Object.entries(props)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2).toLowerCase(), value);
    else if (name === "style") setStyle(/** @type {HTMLElement} */ (element), value);
    else if (name === "value" || name === "checked") /** @type {any} */ (element)[name] = value;
    else if (value === true) element.setAttribute(name, "");
    else if (value === false || value === null || value === undefined) element.removeAttribute(name);
    else element.setAttribute(name, String(value));
  }
}

/**
 * @param {HTMLElement} element
 * @param {Record<string, string>} style
 */
function setStyle(element, style) {
  for (const [property, value] of Object.entries(style)) element.style.setProperty(property, value);
}

/**
 * @param {Node} parent
 * @param {Child[]} children
 */
export function append(parent, children) {
  for (const child of children) {
    if (Array.isArray(child)) append(parent, child);
    else if (child instanceof Node) parent.appendChild(child);
    else if (child !== null && child !== undefined && child !== false)
      parent.appendChild(document.createTextNode(String(child)));
  }
}

/**
 * Replaces what is in `parent`.
 * @param {Element} parent
 * @param {...Child} children
 */
export function fill(parent, ...children) {
  parent.replaceChildren();
  append(parent, children);
}

/**
 * Sets the text, if it is another: a screen reader then announces only changes.
 * @param {Node} node
 * @param {string | number} text
 */
export function setText(node, text) {
  if (node.textContent !== String(text)) node.textContent = String(text);
}

/**
 * Shows that something is read, and then what was read, unless something else was asked for meanwhile.
 * @template T
 * @param {HTMLElement} element
 * @param {Promise<T>} promise
 * @param {(value: T) => Child} render
 */
export async function load(element, promise, render) {
  const waiting = h("p", { class: "muted" }, "Reading …");
  if (element.childElementCount === 0) element.append(waiting);
  latest.set(element, promise);
  element.setAttribute("aria-busy", "true");
  const content = await promise.then(render, (error) =>
    h("p", { class: "notice", role: "alert" }, error instanceof Error ? error.message : String(error)),
  );
  if (latest.get(element) !== promise) return;
  element.removeAttribute("aria-busy");
  fill(element, content);
}

/** @type {WeakMap<HTMLElement, Promise<unknown>>} */
const latest = new WeakMap();

/** A command, and a button that copies it. @param {string} text */
export function copyable(text) {
  const button = h("button", { class: "btn btn-small", type: "button", "aria-label": `Copy: ${text}` }, "Copy");
  button.addEventListener("click", async () => {
    const copied = await navigator.clipboard.writeText(text).then(
      () => true,
      () => false,
    );
    setText(button, copied ? "Copied" : "Failed");
    setTimeout(() => setText(button, "Copy"), 1500);
  });
  return h("div", { class: "command" }, h("code", null, text), button);
}

/** @type {Record<string, string>} */
export const SHAPES = { ok: "✔", skipped: "–", over: "○", unknown: "?", warning: "▲", problem: "✘" };

/** A verdict as `wab` prints it: its shape and its word. @param {string} verdict */
export function verdictOf(verdict) {
  return h(
    "span",
    { class: `verdict verdict-${verdict}` },
    h("span", { "aria-hidden": "true" }, SHAPES[verdict] ?? "?"),
    verdict,
  );
}
