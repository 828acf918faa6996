/** @file Switches that break a part of the local stack, to see what happens then. */

import { textOf } from "../api.js";
import { h, load, setText } from "../dom.js";

/** @typedef {import("../api.js").App} App */
/** @typedef {{name: string, title: string, about: string}} Fault */
/** @typedef {{name: string, on: boolean}} FaultState */

/**
 * A switch of one fault.
 * @param {App} app
 * @param {Fault} fault
 * @param {(states: FaultState[]) => void} show
 * @param {(problem: string) => void} fail
 */
function faultSwitch(app, fault, show, fail) {
  const toggle = h(
    "button",
    {
      class: "toggle",
      type: "button",
      role: "switch",
      "aria-checked": "false",
      "aria-labelledby": `fault-${fault.name}`,
      "aria-describedby": `about-${fault.name}`,
    },
    "off",
  );
  toggle.addEventListener("click", async () => {
    if (toggle.getAttribute("aria-disabled") === "true") return;
    const on = toggle.getAttribute("aria-checked") !== "true";
    toggle.setAttribute("aria-disabled", "true");
    setText(toggle, "…");
    await app.api.post("/api/faults", { name: fault.name, on }).then(show, (error) => fail(textOf(error)));
    toggle.removeAttribute("aria-disabled");
    void app.status.refresh();
  });
  const text = h(
    "div",
    null,
    h("h2", { id: `fault-${fault.name}` }, fault.title),
    h("p", { class: "muted", id: `about-${fault.name}` }, fault.about),
  );
  return { name: fault.name, toggle, element: h("li", { class: "switch" }, toggle, text) };
}

/** @param {HTMLElement} toggle @param {boolean} on */
function turn(toggle, on) {
  toggle.setAttribute("aria-checked", String(on));
  setText(toggle, on ? "✘ on" : "off");
}

/** @param {HTMLElement} root @param {App} app */
function mount(root, app) {
  const problem = h("p", { class: "notice", role: "alert", hidden: true });
  const show = (/** @type {FaultState[]} */ states) => {
    problem.hidden = true;
    for (const { name, toggle } of switches)
      turn(
        toggle,
        states.some((state) => state.name === name && state.on),
      );
  };
  const read = () => app.api.get("/api/faults").then(show);
  const fail = (/** @type {string} */ text) => {
    problem.hidden = false;
    setText(problem, text);
    void read().catch(() => {});
  };
  const switches = app.about.faults.map((fault) => faultSwitch(app, fault, show, fail));
  const list = h("div", { class: "card" });
  root.append(
    h("div", { class: "stack" }, h("h1", null, "Faults"), h("p", { class: "muted" }, aboutFaults(app)), problem, list),
  );
  if (switches.length > 0)
    void load(list, read(), () =>
      h(
        "ul",
        null,
        switches.map(({ element }) => element),
      ),
    );
  else list.remove();
  return () => {};
}

/** @param {App} app */
function aboutFaults({ about }) {
  if (about.faults.length > 0)
    return "Each breaks a part of the local stack until you end it. The console ends every fault when it ends. Watch them in Flow.";
  return about.read_only
    ? "This console is read-only: it makes no faults."
    : "Faults can only be made on the local stack.";
}

/** @type {import("../api.js").View} */
export const view = { name: "faults", title: "Faults", key: "x", mount };
