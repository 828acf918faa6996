/** @file What `wab doctor` finds: the worst first, each with what mends it. */

import { copyable, h, load, verdictOf } from "../dom.js";
import { plural, time } from "../format.js";

/** @typedef {{check: string, verdict: string, what: string, mends: string | null, see: string | null}} Finding */

/** @type {[string, string][]} */
const GROUPS = [
  ["problem", "Problems"],
  ["warning", "Warnings"],
  ["unknown", "Couldn't be checked"],
  ["ok", "In order"],
  ["skipped", "Doesn't apply here"],
];

/** @param {Finding} finding */
function findingItem({ check, verdict, what, mends, see }) {
  const commands = h(
    "dl",
    { class: "pairs" },
    mends && [h("dt", null, "mend"), h("dd", null, copyable(mends))],
    see && [h("dt", null, "see"), h("dd", null, see)],
  );
  return h(
    "li",
    { class: "signal" },
    h("p", { class: "row" }, verdictOf(verdict), h("strong", null, check), h("span", { class: "wrap" }, what)),
    (mends || see) && commands,
  );
}

/** @param {{findings: Finding[], at: string, seconds: number}} report */
function reportView({ findings, at, seconds }) {
  const todo = findings.filter(({ verdict }) => verdict === "problem" || verdict === "warning").length;
  const head = h(
    "p",
    null,
    todo === 0 ? "Nothing to do" : `${plural(todo, "thing")} to do`,
    h("span", { class: "muted" }, `, checked at ${time(at)} in ${seconds.toFixed(1)} s`),
  );
  const groups = GROUPS.map(([verdict, title]) => ({
    title,
    found: findings.filter((finding) => finding.verdict === verdict),
  }));
  return [
    head,
    groups
      .filter(({ found }) => found.length > 0)
      .map(({ title, found }) =>
        h("section", { class: "card stack" }, h("h2", null, title), h("ul", null, found.map(findingItem))),
      ),
  ];
}

/** @param {HTMLElement} root @param {import("../api.js").App} app */
function mount(root, app) {
  const report = h("div", { class: "stack", "aria-live": "polite" });
  const check = () => load(report, app.api.report(["doctor"]), reportView);
  const again = h("button", { class: "btn", type: "button", onclick: check }, "Check again");
  const about =
    "What the stack needs to work, and what mends it. It changes nothing. Its two calls without credentials count as unauthorized: don't check every minute.";
  root.append(
    h(
      "div",
      { class: "stack" },
      h("div", { class: "row" }, h("h1", { class: "grow" }, "Doctor"), again),
      h("p", { class: "muted" }, about),
      report,
    ),
  );
  void check();
  return () => {};
}

/** @type {import("../api.js").View} */
export const view = { name: "doctor", title: "Doctor", key: "d", mount };
