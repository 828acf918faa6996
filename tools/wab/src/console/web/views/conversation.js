/** @file A contact's messages, as a person would read them. */

import { fill, h } from "../dom.js";
import { time } from "../format.js";
import { Report, Spot, alarm, button, each, fields, fold, opener, outside, receipts, secret, tag } from "./message.js";

/** @typedef {import("../api.js").App} App */
/** @typedef {import("../dom.js").Child} Child */

/** @type {Record<string, string>} */
const TICKS = { accepted: "○", queued: "○", submitted: "○", sent: "✓", received: "✓✓", blocked: "‖", deficient: "‖", frozen: "‖" };
const NOTHING = "No message of this contact is stored in this time.";
/** @type {Record<string, string>} */
const CHANGES = { reaction: "reacted", edit: "edited", revoke: "deleted by the sender" };

/** `[image] A caption` as a tag and the text. A text message is only text. @param {Spot} spot @returns {Child} */
function words(spot) {
  const entry = spot.value;
  const [start = "", name] = (entry.type !== "text" && /^\[([^\]]+)\] ?/.exec(entry.summary)) || [];
  const { source, path } = spot.at("summary");
  return [name && tag(name), secret(new Spot(source, entry.summary.slice(start.length), path), "text")];
}

/** What happened to a message later. @param {Spot[]} changes */
function changed(changes) {
  return changes.length > 0 && h("ul", { class: "changes" }, changes.map((spot) => {
    const { type, received_at: at } = spot.value;
    return h("li", null, `${CHANGES[type] ?? "changed"} ${time(at)} `, type !== "revoke" && words(spot));
  }));
}

/** The named fields, which are read when they are opened. @param {App} app @param {string} id @param {string} eventId */
function details(app, id, eventId) {
  const box = h("div", null, "Reading…");
  const read = async () => {
    const report = new Report(app, ["show"], id);
    const { items } = await report.load();
    const index = items.findIndex((/** @type {any} */ item) => item.event_id === eventId);
    fill(box, fields(new Spot(report, items[index].content, ["items", index, "content"])));
  };
  return fold("Details", false, () => {
    read().catch((error) => fill(box, alarm(error)));
    return box;
  });
}

/** @param {Spot} spot */
function said(spot) {
  const { value: entry, source: { app } } = spot;
  const changes = Object.keys(entry.changes ?? []).map((index) => spot.at("changes", index));
  const isDeleted = changes.some(({ value }) => value.type === "revoke");
  const about = entry.reply_to ? secret(spot.at("reply_to"), "id") : entry.about && `the message of ${time(entry.about)}`;
  return h("li", { class: "bubble" },
    about && h("p", { class: "muted small" }, "about ", about, entry.without_receipts && ", of which no receipt is stored"),
    h("p", { class: isDeleted && "deleted" }, h("span", { class: "unseen" }, "From the contact: "), words(spot)),
    changed(changes),
    h("p", { class: "muted small" }, time(entry.received_at), " ", entry.variant && tag("variant"), opener(app, entry.id)),
    details(app, entry.id, entry.event_id));
}

/** @param {Spot} spot @param {Spot[]} reactions */
function sent(spot, reactions) {
  const { value: entry, source: { app } } = spot;
  const tick = h("span", { "aria-hidden": "true" }, TICKS[entry.current] ?? "✗");
  const references = each(entry.references, (_, index) => [" ", secret(spot.at("references", index), "reference")]);
  return h("li", { class: "bubble sent" },
    h("p", null, "Sent message", references, h("span", { class: "muted" }, ": its text isn't known")),
    changed(reactions),
    h("p", { class: "small" }, tick, " ", outside(entry.current), entry.final ? ", final" : ", not final", entry.since && `, ${time(entry.since)} `, opener(app, entry.message_id)),
    fold("Receipts", false, () => receipts(spot)));
}

/** Bubbles, with reactions on the sent message that they are about. @param {Spot[]} all @returns {Child[]} */
function bubbles(all) {
  const ids = new Set(all.map(({ value }) => value.message_id));
  const isOnSent = (/** @type {Spot} */ { value }) => value.type === "reaction" && value.reply_to && ids.has(value.reply_to);
  return all.filter((spot) => !isOnSent(spot)).map((spot) => {
    if (spot.value.entry === "message") return said(spot);
    return sent(spot, all.filter((other) => isOnSent(other) && other.value.reply_to === spot.value.message_id));
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
    this.node = h("section", { class: "stack" }, "Reading…");
    void this.trying(() => this.read([], true));
  }

  /** @param {string[]} options @param {boolean} isOlder */
  async read(options, isOlder) {
    const report = new Report(this.app, ["conversation", ...options], this.contact);
    const json = await report.load();
    this.pages = isOlder ? [report, ...this.pages] : [...this.pages, report];
    await this.draw();
    this.app.announce(json?.messages ? `${json.messages} messages` : NOTHING);
  }

  /** @param {() => Promise<void>} work */
  trying(work) {
    return work().catch((error) => (this.pages.length === 0 ? fill(this.node, alarm(error)) : this.node.append(alarm(error))));
  }

  async draw() {
    const pages = await Promise.all(this.pages.map((report) => report.load()));
    /** The later page knows more of an entry that is on both. @type {Map<string, Spot>} */
    const all = new Map();
    this.pages.forEach((report, page) => each(pages[page]?.entries, (entry, index) =>
      void all.set(entry.event_id ?? entry.message_id, new Spot(report, entry, ["entries", index]))));
    const at = (/** @type {Spot} */ { value }) => Date.parse(value.received_at ?? value.receipts[0]?.received_at);
    const placed = [...all.values()].sort((one, other) => at(one) - at(other));
    const last = placed.map(({ value }) => value.received_at).filter(Boolean).at(-1);
    const older = pages[0]?.next?.until;
    fill(this.node,
      this.title(pages.at(-1)),
      older && this.pager("Older messages", `--until=${older}`, true),
      placed.length === 0 && h("p", null, NOTHING),
      h("ol", { class: "bubbles", "aria-label": "Messages, oldest first" }, bubbles(placed)),
      last && this.pager("Newer messages", `--since=${last}`, false));
  }

  /** @param {string} name @param {string} option @param {boolean} isOlder */
  pager(name, option, isOlder) {
    return h("div", null, button(name, () => this.trying(() => this.read([option], isOlder))));
  }

  /** @param {any} json */
  title(json) {
    const spot = new Spot(/** @type {Report} */ (this.pages.at(-1)), json);
    const names = each(json?.also_known_as, (_, index) => [" ", secret(spot.at("also_known_as", index), "name")]);
    return [
      json && h("h2", null, "With ", secret(spot.at("contact"), "contact")),
      names.length > 0 && h("p", null, "Also known as", names, ", with conversations of their own."),
    ];
  }
}

/** The contact of a message. @param {App} app @param {string} id */
async function contactOf(app, id) {
  const json = await new Report(app, ["show"], id).load(true);
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
    /** @type {Conversation | undefined} */
    let open;
    const show = (/** @type {string} */ contact) => {
      open = new Conversation(app, contact);
      fill(box, open.node);
    };
    const input = h("input", { class: "field", type: "text", autocomplete: "off", required: true, "aria-describedby": "contact-hint" });
    const submit = (/** @type {Event} */ event) => {
      event.preventDefault();
      show(input.value.trim());
      // The number doesn't stay on the screen.
      input.value = "";
    };
    const form = h("form", { class: "row", onsubmit: submit }, h("label", null, "Contact ", input), h("button", { class: "btn btn-primary" }, "Show"),
      h("span", { id: "contact-hint", class: "muted small" }, "a number with its country code, or a user id"));
    root.append(h("div", { class: "stack" }, h("h1", null, "Conversation"), form, box));
    const [from, id] = app.path;
    if (from === "message" && id) contactOf(app, id).then(show).catch((error) => fill(box, alarm(error)));
    else input.focus();
    return app.reveal.subscribe(() => void open?.trying(async () => open?.draw()));
  },
};
