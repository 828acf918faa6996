/** @file A contact's messages, as a person would read them. */

import { textOf } from "../api.js";
import { fill, h } from "../dom.js";
import { time } from "../format.js";
import { Report, fields, fold, opener, outside, receipts, secret } from "./message.js";

/** @typedef {import("../api.js").App} App */
/** @typedef {import("../dom.js").Child} Child */
/** A page's entry, and where it is in its report. @typedef {{entry: any, report: Report, path: (string | number)[]}} Placed */

/** @type {Record<string, string>} */
const TICKS = { accepted: "○", queued: "○", submitted: "○", sent: "✓", received: "✓✓", blocked: "‖", deficient: "‖", frozen: "‖" };
/** @type {Record<string, string>} */
const CHANGES = { reaction: "reacted", edit: "edited", revoke: "deleted by the sender" };

/** @param {any} entry @returns {string} */
function keyOf(entry) {
  return entry.event_id ?? entry.message_id;
}

/** `[image] A caption` as its tag and the text. A text message is only text. @param {Placed} placed @param {any} line @param {(string | number)[]} path */
function words({ report }, line, path) {
  const [, tag] = (line.type !== "text" && /^\[([^\]]+)\] ?/.exec(line.summary)) || [];
  const rest = tag ? line.summary.slice(tag.length + 2).trim() : line.summary;
  if (!tag) return secret(report, [...path, "summary"], rest, "text");
  return [h("span", { class: "tag" }, outside(tag)), " ", rest && secret(report, [...path, "summary"], rest, tag)];
}

/** @param {Placed} placed @param {any[]} reactions to a sent message, with their places */
function changes({ entry, path, ...placed }, reactions) {
  const own = (entry.changes ?? []).map((/** @type {any} */ line, /** @type {number} */ index) => ({ line, at: [...path, "changes", index] }));
  const items = [...own, ...reactions].map(({ line, at }) =>
    h("li", null, `${CHANGES[line.type] ?? "changed"} ${time(line.received_at)} `, line.type !== "revoke" && words({ entry, path, ...placed }, line, at)));
  return items.length > 0 && h("ul", { class: "changes" }, items);
}

/** The named fields, which are read when they are opened. @param {App} app @param {string} id @param {string} eventId */
function details(app, id, eventId) {
  return fold("Details", false, () => {
    const box = h("div", null, "Reading…");
    const report = new Report(app, ["show"], id);
    report.load().then((json) => {
      const index = json.items.findIndex((/** @type {any} */ item) => item.event_id === eventId);
      const { content } = json.items[index];
      fill(box, content ? fields(report, content, ["items", index, "content"]) : "No content.");
    }).catch((error) => fill(box, textOf(error)));
    return box;
  });
}

/** @param {Placed} placed */
function said(placed) {
  const { entry, report, path } = placed;
  const isDeleted = (entry.changes ?? []).some((/** @type {any} */ line) => line.type === "revoke");
  const about = entry.reply_to ?? (entry.about && time(entry.about));
  return h("li", { class: `bubble said${isDeleted ? " deleted" : ""}` },
    h("span", { class: "unseen" }, "From the contact:"),
    about && h("p", { class: "muted small" }, "about ", secret(report, [...path, "reply_to"], about, "id"), entry.without_receipts && " (no receipt of it is stored)"),
    h("p", null, words(placed, entry, path)),
    changes(placed, []),
    h("p", { class: "muted small" }, h("time", null, time(entry.received_at)), " ", entry.variant && h("span", { class: "tag" }, "variant"), " ", opener(report.app, entry.id)),
    details(report.app, entry.id, entry.event_id));
}

/** @param {Placed} placed @param {any[]} reactions */
function sent(placed, reactions) {
  const { entry, report, path } = placed;
  const references = (entry.references ?? []).map((/** @type {string} */ reference, /** @type {number} */ index) => [" ", secret(report, [...path, "references", index], reference, "reference")]);
  return h("li", { class: "bubble sent" },
    h("p", null, "Sent message", references, h("span", { class: "muted" }, ": its text isn't known")),
    changes(placed, reactions),
    h("p", { class: "small" }, h("span", { "aria-hidden": "true" }, `${TICKS[entry.current] ?? "✗"} `), outside(entry.current), `, ${entry.final ? "final" : "not final"}, `, h("time", null, entry.since && time(entry.since)), " ", opener(report.app, entry.message_id)),
    fold("Receipts", false, () => receipts(report, entry, path)));
}

/** Bubbles, with reactions on the sent message that they are about. @param {Placed[]} all @returns {HTMLElement[]} */
function bubbles(all) {
  const isReaction = (/** @type {Placed} */ { entry }) => entry.type === "reaction" && all.some((other) => other.entry.message_id === entry.reply_to);
  const reactions = all.filter(isReaction);
  return all.filter((placed) => !isReaction(placed)).map((placed) => {
    if (placed.entry.entry === "message") return said(placed);
    const own = reactions.filter(({ entry }) => entry.reply_to === placed.entry.message_id);
    return sent(placed, own.map(({ entry, path }) => ({ line: entry, at: path })));
  });
}

/** The pages of one contact. */
class Conversation {
  /** @param {App} app @param {string} contact */
  constructor(app, contact) {
    this.app = app;
    this.contact = contact;
    /** @type {Report[]} oldest first */
    this.pages = [];
    this.older = "";
    this.node = h("section", { class: "stack" });
  }

  /** @param {string[]} options @param {boolean} isOlder */
  async read(options, isOlder) {
    const report = new Report(this.app, ["conversation", ...options], this.contact);
    const json = await report.load();
    if (isOlder) this.older = json?.next?.until ?? "";
    if (isOlder) this.pages.unshift(report);
    else this.pages.push(report);
    await this.draw();
    if (!json?.messages) this.app.announce("No message of this contact is stored in this time.");
  }

  /** @param {() => Promise<void>} work */
  async trying(work) {
    await work().catch((error) => this.node.append(h("p", { class: "notice", role: "alert" }, textOf(error))));
  }

  async draw() {
    const pages = await Promise.all(this.pages.map((report) => report.load()));
    /** @type {Map<string, Placed>} the last page knows most of an entry */
    const all = new Map();
    pages.forEach((json, page) => (json?.entries ?? []).forEach((/** @type {any} */ entry, /** @type {number} */ index) =>
      all.set(keyOf(entry), { entry, report: /** @type {Report} */ (this.pages[page]), path: ["entries", index] })));
    const at = (/** @type {Placed} */ { entry }) => new Date(entry.received_at ?? entry.receipts?.[0]?.received_at).getTime();
    const placed = [...all.values()].sort((one, other) => at(one) - at(other));
    fill(this.node, this.header(pages), ...this.list(placed));
  }

  /** @param {any[]} pages */
  header(pages) {
    const [report, json] = [this.pages.at(-1), pages.at(-1)];
    if (!report || !json) return h("h2", null, "Nothing is stored of this contact");
    const names = (json.also_known_as ?? []).map((/** @type {string} */ name, /** @type {number} */ index) => [" ", secret(report, ["also_known_as", index], name, "name")]);
    return [h("h2", null, "With ", secret(report, ["contact"], json.contact, "contact")), names.length > 0 && h("p", null, "Also known as", names, ": they have conversations of their own.")];
  }

  /** @param {Placed[]} placed @returns {Child[]} */
  list(placed) {
    const button = (/** @type {string} */ name, /** @type {string[]} */ options, /** @type {boolean} */ isOlder) =>
      h("button", { type: "button", class: "btn", onclick: () => void this.trying(() => this.read(options, isOlder)) }, name);
    const last = placed.map(({ entry }) => entry.received_at).filter(Boolean).at(-1);
    return [
      this.older && h("div", null, button("Older", [`--until=${this.older}`], true)),
      h("ol", { class: "bubbles", "aria-label": "Messages, oldest first" }, bubbles(placed)),
      last && h("div", null, button("Newer", [`--since=${last}`], false)),
    ];
  }
}

/** The contact of a message. @param {App} app @param {string} id */
async function contactOf(app, id) {
  const json = await new Report(app, ["show"], id).whole();
  const contact = json?.items.find((/** @type {any} */ item) => item.contact)?.contact;
  if (!contact) throw new Error("This message has no contact.");
  return contact;
}

/** @type {import("../api.js").View} */
export const view = {
  name: "conversation",
  title: "Conversation",
  key: "c",
  mount(root, app) {
    const box = h("div");
    /** @type {Conversation | null} */
    let open = null;
    const show = (/** @type {string} */ contact) => {
      const conversation = (open = new Conversation(app, contact));
      fill(box, conversation.node);
      fill(conversation.node, "Reading…");
      void conversation.trying(() => conversation.read([], true));
    };
    const input = h("input", { class: "field", type: "text", autocomplete: "off", required: true, "aria-describedby": "contact-hint" });
    // The number doesn't stay on the screen.
    const submit = (/** @type {Event} */ event) => {
      event.preventDefault();
      show(input.value.trim());
      input.value = "";
    };
    root.append(h("div", { class: "stack" }, h("h1", null, "Conversation"),
      h("form", { class: "row", onsubmit: submit }, h("label", { class: "label" }, "Contact", input), h("button", { class: "btn btn-primary" }, "Show"),
        h("span", { id: "contact-hint", class: "muted small" }, "a number with its country code, or a user id")), box));
    const [from, id] = app.path;
    if (from === "message" && id) contactOf(app, id).then(show).catch((error) => fill(box, h("p", { class: "notice", role: "alert" }, textOf(error))));
    else input.focus();
    return app.reveal.subscribe(() => open && void open.trying(() => /** @type {Conversation} */ (open).draw()));
  },
};
