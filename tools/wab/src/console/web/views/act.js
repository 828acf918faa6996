/** @file Acts as the gateway: sends samples and scenarios. */

import { exitText } from "../confirm.js";
import { h } from "../dom.js";
import { time } from "../format.js";

/** @typedef {import("../api.js").RunResult} RunResult */

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const MOST_IDS = 10;
const NUMBERS = [
  { name: "--count", label: "How many", type: "number", min: "1", max: "100000", placeholder: "1" },
  { name: "--rate", label: "A second", type: "number", min: "1", placeholder: "as answered" },
  { name: "--duplicates", label: "Duplicates, %", type: "number", min: "0", max: "100", placeholder: "0" },
  { name: "--malformed", label: "Malformed, %", type: "number", min: "0", max: "100", placeholder: "0" },
  { name: "--seed", label: "Seed", type: "text", inputmode: "numeric", pattern: "[0-9]*", placeholder: "random" },
];

/** The options that are filled in, for any callback. */
class Options {
  constructor() {
    this.inputs = NUMBERS.map(({ label, ...props }) => h("input", { class: "field", "aria-label": label, ...props }));
    this.shuffle = h("input", { type: "checkbox" });
    this.text = h("input", { class: "field", type: "text", autocomplete: "off" });
    this.set = h("textarea", { class: "field mono", rows: "2", spellcheck: "false", placeholder: "content.text.body=Kia ora", "aria-describedby": "set-hint" });
    this.node = h("form", { class: "stack", onsubmit: (/** @type {Event} */ event) => event.preventDefault() },
      h("div", { class: "row" }, this.inputs.map((input, index) => h("label", { class: "label" }, NUMBERS[index]?.label, input)), h("label", { class: "row" }, this.shuffle, "Random order")),
      h("label", { class: "label" }, "Text, caption or button title (messages)", this.text),
      h("label", { class: "label" }, "Other values, one PATH=VALUE a line (not for scenarios)", this.set),
      h("p", { id: "set-hint", class: "muted small" }, "A value that is JSON is set as JSON, any other as text."));
  }

  /** @param {string} kind @returns {string[]} */
  args(kind) {
    const filled = this.inputs.filter(({ value }) => value.trim() !== "");
    const many = filled.map(({ name, value }) => `${name}=${value.trim()}${/duplicates|malformed/.test(name) ? "%" : ""}`);
    const changes = this.set.value.split("\n").filter((line) => line.trim() !== "").map((line) => `--set=${line}`);
    const text = kind === "mo" && this.text.value !== "" ? [`--text=${this.text.value}`] : [];
    return [...many, ...(this.shuffle.checked ? ["--shuffle"] : []), ...text, ...(kind === "scenario" ? [] : changes)];
  }
}

/** What a command printed, with the messages that it names. @param {RunResult} result */
function answer(result) {
  const ids = [...new Set(result.out.match(UUID) ?? [])].slice(0, MOST_IDS);
  const open = (/** @type {string} */ id) => h("a", { href: `#/message/${id}`, class: "btn btn-small mono" }, id.slice(0, 8));
  return h("li", { class: "card stack" },
    h("p", null, h("time", null, time(Date.now())), " ", h("code", { class: "wrap" }, result.command), " ", exitText(result.exit)),
    ids.length > 0 && h("p", { class: "row" }, "Open", ids.map(open)),
    h("pre", { class: "output", tabindex: "0", "aria-label": "What the command printed" }, result.out || result.err));
}

/** @param {string} title @param {string[]} names @param {(name: string) => void} send */
function group(title, names, send) {
  const buttons = names.map((name) => h("button", { type: "button", class: "btn", onclick: () => send(name) }, name));
  return h("section", { class: "card stack", "aria-label": title }, h("h2", null, title), h("div", { class: "row" }, buttons));
}

/** @type {import("../api.js").View} */
export const view = {
  name: "act",
  title: "Act",
  key: "a",
  mount(root, app) {
    const { samples, scenarios, local } = app.about;
    const options = new Options();
    const answers = h("ol", { class: "stack", "aria-label": "Answers, newest first" });
    const send = async (/** @type {string} */ kind, /** @type {string} */ name, /** @type {string} */ sample) => {
      if (!options.node.reportValidity()) return;
      const about = scenarios.find((scenario) => kind === "scenario" && scenario.name === name)?.about ?? "A made-up callback";
      const action = { title: `Send ${name}`, text: `${about}. Posted to the receiver, as the gateway would.`, args: ["send", kind, sample, ...options.args(kind)] };
      const result = await app.confirm(action);
      if (result) answers.prepend(answer(result));
    };
    const groups = [
      group("A message from a user", samples.mo, (name) => void send("mo", name, `--type=${name}`)),
      group("A receipt", samples.dlr, (name) => void send("dlr", name, `--status=${name}`)),
      group("A scenario", scenarios.map(({ name }) => name), (name) => void send("scenario", name, name)),
    ];
    const note = h("p", { class: "notice" }, "Samples are sent to a local stack only. Any message can be resent: open it from the events.");
    root.append(h("div", { class: "stack" }, h("h1", null, "Act as the gateway"), local ? [h("div", { class: "card" }, options.node), groups, answers] : note));
    return () => {};
  },
};
