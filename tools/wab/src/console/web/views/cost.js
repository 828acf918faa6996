/** @file What the stack costs a month. */

import { h, load } from "../dom.js";
import { count, money } from "../format.js";

/** @typedef {{line: string, usd: number}} Line */
/** @typedef {{month_usd: number, fixed: Line[], traffic: Line[], callbacks_per_day: number, note: string}} Cost */

/** @param {string} title @param {Line[]} lines */
function table(title, lines) {
  const rows = lines.map(({ line, usd }) =>
    h("tr", null, h("td", null, line), h("td", { class: "number" }, usd.toFixed(2))),
  );
  const total = lines.reduce((sum, { usd }) => sum + usd, 0);
  const head = h(
    "tr",
    null,
    h("th", { scope: "col" }, title),
    h("th", { scope: "col", class: "number" }, "USD a month"),
  );
  const foot = h("tr", null, h("th", { scope: "row" }, "in all"), h("th", { class: "number" }, total.toFixed(2)));
  return h(
    "div",
    { class: "card scroll" },
    h("table", { class: "table" }, h("thead", null, head), h("tbody", null, rows), h("tfoot", null, foot)),
  );
}

/** @param {Cost} cost */
function costView({ month_usd, fixed, traffic, callbacks_per_day, note }) {
  const at = `at ${count(callbacks_per_day)} callbacks a day`;
  const figure = h(
    "p",
    null,
    h("strong", { class: "box-figure" }, money(month_usd)),
    h("span", { class: "muted" }, ` a month, ${at}`),
  );
  return [
    figure,
    h("p", { class: "muted" }, note),
    table("Whatever the traffic", fixed),
    table(`By the traffic, ${at}`, traffic),
  ];
}

/** @param {HTMLElement} root @param {import("../api.js").App} app */
function mount(root, app) {
  const cost = h("div", { class: "stack", "aria-live": "polite" });
  root.append(h("div", { class: "stack" }, h("h1", null, "Cost"), cost));
  void load(cost, app.api.get("/api/cost"), costView);
  return () => {};
}

/** @type {import("../api.js").View} */
export const view = { name: "cost", title: "Cost", key: "u", mount };
