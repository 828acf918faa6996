/** @file The dialog before anything is changed: what will be done, its dry run, and what it printed. */

import { copyable, fill, h } from "./dom.js";
import { command } from "./format.js";
import { textOf } from "./api.js";

/** @typedef {import("./api.js").Action} Action */
/** @typedef {import("./api.js").RunResult} RunResult */
/** @typedef {Pick<import("./api.js").App, "about" | "api" | "announce">} Context */

const READ_ONLY = "This console is read-only. Run the command in a terminal.";
/** @type {Record<number, string>} */
const EXITS = {
  0: "Done.",
  1: "Something is left to do, or was rejected.",
  2: "Usage error: nothing was done.",
  3: "AWS or the receiver could not be reached.",
};

/** What an exit code means. @param {number} exit */
export function exitText(exit) {
  return EXITS[exit] ?? `It ended with exit code ${exit}.`;
}

/** @param {Context} context @returns {(action: Action) => Promise<RunResult | null>} */
export function confirmer(context) {
  return (action) => new Confirmation(context, action).ask();
}

class Confirmation {
  /** @param {Context} context @param {Action} action */
  constructor(context, action) {
    this.context = context;
    this.action = action;
    /** @type {RunResult | null} */
    this.result = null;
    this.isRunning = false;
    this.body = h("div", { class: "stack" });
    this.cancel = h("button", { class: "btn", type: "button", onclick: () => this.dialog.close() }, "Cancel");
    const kind = action.danger ? "btn-danger" : "btn-primary";
    this.confirm = h("button", { class: `btn ${kind}`, type: "button", onclick: () => void this.perform() }, "Do it");
    const title = h("h2", { id: "confirm-title" }, action.title);
    const actions = h("div", { class: "actions" }, this.cancel, this.confirm);
    this.dialog = h(
      "dialog",
      { "aria-labelledby": "confirm-title" },
      h("div", { class: "stack" }, title, this.body, actions),
    );
    this.dialog.addEventListener("cancel", (event) => this.isRunning && event.preventDefault());
  }

  /** @returns {Promise<RunResult | null>} */
  ask() {
    const closed = new Promise((resolve) => this.dialog.addEventListener("close", () => resolve(this.result)));
    const { text, args, dry } = this.action;
    const preview = h("div", { class: "stack", "aria-live": "polite" });
    const place = h("p", { class: "muted small" }, `On the ${this.context.about.place}:`);
    fill(this.body, h("p", null, text), place, copyable(command(args)), preview);
    document.body.append(this.dialog);
    this.dialog.showModal();
    (this.action.danger ? this.cancel : this.confirm).focus();
    if (this.context.about.read_only) this.refuse(preview, READ_ONLY);
    else if (dry) void this.rehearse(dry, preview);
    return closed.finally(() => this.dialog.remove());
  }

  /** @param {HTMLElement} preview @param {string} why */
  refuse(preview, why) {
    this.confirm.disabled = true;
    this.cancel.focus();
    fill(preview, h("p", { class: "notice" }, why));
  }

  /** @param {string[]} args @param {HTMLElement} preview */
  async rehearse(args, preview) {
    this.confirm.disabled = true;
    fill(preview, h("p", { class: "muted" }, `Running ${command(args)} …`));
    try {
      const result = await this.context.api.run(args);
      if (result.exit > 1) return this.refuse(preview, result.err.trim() || exitText(result.exit));
      const described = result.json && this.action.describe?.(result.json);
      fill(preview, h("h3", null, "Dry run"), described ?? h("pre", { class: "output" }, result.out));
      this.confirm.disabled = false;
      if (!this.action.danger) this.confirm.focus();
    } catch (error) {
      this.refuse(preview, textOf(error));
    }
    return undefined;
  }

  async perform() {
    this.isRunning = true;
    this.confirm.disabled = this.cancel.disabled = true;
    this.confirm.textContent = "Running …";
    try {
      this.result = await this.context.api.act(this.action.args);
      this.report(this.result);
    } catch (error) {
      fill(this.body, h("p", { class: "notice" }, textOf(error)));
    }
    this.isRunning = false;
    this.confirm.remove();
    this.cancel.disabled = false;
    this.cancel.textContent = "Close";
    this.cancel.focus();
  }

  /** @param {RunResult} result */
  report(result) {
    const summary = exitText(result.exit);
    const printed = [result.out, result.err]
      .map((text) => text.trim())
      .filter((text) => text !== "")
      .join("\n");
    const head = h("p", { class: result.exit === 0 ? "" : "notice" }, summary);
    fill(
      this.body,
      head,
      copyable(result.command),
      printed !== "" && h("pre", { class: "output", tabindex: "0", "aria-label": "What the command printed" }, printed),
    );
    this.context.announce(`${this.action.title}: ${summary}`);
  }
}
