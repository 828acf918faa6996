/** @file One message: its callback, its typed content, its event, its receipts. Also how values from outside are shown. */

import { textOf } from "../api.js";
import { fill, h, setText } from "../dom.js";
import { ago, count, plural, span, time } from "../format.js";

/** @typedef {import("../api.js").App} App */
/** @typedef {import("../dom.js").Child} Child */
/** @typedef {(string | number)[]} Path */

/**
 * What can reveal a value: a report or a row.
 * @typedef {{app: App, valueAt: (path: Path) => Promise<unknown>}} Source
 */

const CUT = 600;
const MORE = 50_000;
const LINES = 200;
const MORE_LINES = 1000;
const MASK = /…|\(\d+ characters?\)/;
const CONTROLS = /[\u0000-\u0008\u000b-\u001f]/g;
const DIRECTIONS = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** A text without characters that can't be seen or that change the direction of others. @param {string} text */
export function visible(text) {
  const code = (/** @type {string} */ char) => `⟨U+${char.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`;
  return text.replace(CONTROLS, (char) => String.fromCharCode(0x2400 + char.charCodeAt(0))).replace(DIRECTIONS, code);
}

/** A text from outside. A long one is cut, and shown part by part. @param {string} text @returns {HTMLElement} */
export function outside(text) {
  if (text.length <= CUT) return h("bdi", { class: "outside" }, visible(text));
  const shown = h("bdi", { class: "outside" }, visible(text.slice(0, CUT)));
  let end = CUT;
  const more = h("button", { type: "button", class: "btn btn-small" });
  const label = () => setText(more, `show ${text.length - end <= MORE ? "all" : "more"} (${count(end)} of ${plural(text.length, "character")})`);
  more.addEventListener("click", () => {
    shown.append(visible(text.slice(end, end + MORE)));
    end += MORE;
    if (end >= text.length) more.remove();
    else label();
  });
  label();
  return h("span", null, shown, " ", more);
}

/** @param {unknown} value */
function asText(value) {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}

/**
 * A value that may be masked, with the button that shows it.
 * @param {Source} source
 * @param {Path} path where the value is in the revealed report
 * @param {unknown} value
 * @param {string} label
 * @returns {HTMLElement}
 */
export function secret(source, path, value, label) {
  const text = asText(value);
  if (source.app.reveal.on || !MASK.test(text)) return outside(text);
  const place = h("span", null, outside(text));
  const button = h("button", { type: "button", class: "btn btn-small", "aria-label": `show ${label}` }, "show");
  let isShown = false;
  button.addEventListener("click", async () => {
    try {
      fill(place, outside(isShown ? text : asText(await source.valueAt(path))));
      isShown = !isShown;
      setText(button, isShown ? "hide" : "show");
      button.setAttribute("aria-label", `${isShown ? "hide" : "show"} ${label}`);
    } catch (error) {
      source.app.announce(textOf(error));
      fill(place, outside(text), " ", textOf(error));
    }
  });
  return h("span", { class: "secret" }, place, " ", button);
}

/** A report about `subject`: masked, and revealed when that is asked for. @implements {Source} */
export class Report {
  /** @param {App} app @param {string[]} args command and options @param {string} subject an id or a contact */
  constructor(app, args, subject) {
    this.app = app;
    this.args = args;
    this.subject = subject;
    /** @type {Promise<any> | null} */
    this.masked = null;
    /** @type {Promise<any> | null} */
    this.revealed = null;
  }

  /** The report as the page is set. Null if there is nothing. @returns {Promise<any>} */
  load() {
    return this.app.reveal.on ? this.whole() : (this.masked ??= this.ask([]).catch((error) => this.fail(error)));
  }

  /** @returns {Promise<any>} */
  whole() {
    return (this.revealed ??= this.ask(["--reveal"]).catch((error) => this.fail(error)));
  }

  /** The next one asks again. @param {unknown} error @returns {never} */
  fail(error) {
    this.masked = this.revealed = null;
    throw error;
  }

  /** @param {string[]} options */
  async ask(options) {
    const result = await this.app.api.run([...this.args, ...options, "--", this.subject]);
    if (result.exit > 1) throw new Error(result.err.trim() || `${result.command} ended with ${result.exit}`);
    return result.json;
  }

  /** @param {Path} path @returns {Promise<unknown>} */
  async valueAt(path) {
    return path.reduce((value, key) => value?.[key], await this.whole());
  }
}

/** A live row. Only the console's server has it, for a while. @implements {Source} */
class RowSource {
  /** @param {App} app @param {import("../store.js").RowEntry} entry */
  constructor(app, entry) {
    this.app = app;
    this.entry = entry;
  }

  /** @param {Path} path @returns {Promise<unknown>} */
  async valueAt(path) {
    if (!this.app.store.isCurrent(this.entry)) throw new Error("The console was restarted and no longer has this event.");
    return path.reduce((value, key) => value?.[key], await this.app.api.get(`/api/rows/${this.entry.row.seq}`));
  }
}

/** @typedef {{depth: number, path: Path, key: string, value?: unknown, bracket: string, comma: string}} Line */

/**
 * JSON line by line.
 * @param {unknown} value
 * @param {Path} path
 * @param {{depth: number, key: string, comma: string}} place
 * @returns {Generator<Line>}
 */
function* linesOf(value, path, { depth, key, comma }) {
  const isArray = Array.isArray(value);
  const entries = value !== null && typeof value === "object" ? Object.entries(value) : [];
  if (entries.length === 0) return yield { depth, path, key, value, bracket: "", comma };
  yield { depth, path, key, bracket: isArray ? "[" : "{", comma: "" };
  for (const [index, [name, member]] of entries.entries()) {
    const at = { depth: depth + 1, key: isArray ? "" : name, comma: index < entries.length - 1 ? "," : "" };
    yield* linesOf(member, [...path, isArray ? index : name], at);
  }
  yield { depth, path, key: "", bracket: isArray ? "]" : "}", comma };
  return undefined;
}

/** @param {Source} source @param {Line} line */
function jsonLine(source, { depth, path, key, value, bracket, comma }) {
  const name = key && h("span", { class: "json-key" }, outside(JSON.stringify(key)), ": ");
  const isMasked = typeof value === "string" && MASK.test(value) && !source.app.reveal.on;
  const leaf = bracket || (isMasked ? secret(source, path, value, key) : outside(JSON.stringify(value)));
  return h("div", { style: { "--depth": String(depth) } }, name, leaf, comma);
}

/** A JSON value as text. Many lines are shown part by part. @param {Source} source @param {Path} path @param {unknown} value */
export function jsonView(source, path, value) {
  const box = h("div", { class: "json" });
  const lines = linesOf(value, path, { depth: 0, key: "", comma: "" });
  const more = h("button", { type: "button", class: "btn btn-small", onclick: () => add(MORE_LINES) }, "show more lines");
  const add = (/** @type {number} */ amount) => {
    more.remove();
    for (let line = lines.next(); !line.done; line = lines.next()) {
      box.append(jsonLine(source, line.value));
      if (--amount === 0) return box.append(more);
    }
  };
  add(LINES);
  return box;
}

/** Names and values. Those without a value are left out. @param {[string, Child][]} rows */
export function facts(rows) {
  const shown = rows.filter(([, value]) => value !== undefined && value !== null && value !== false && value !== "");
  return h("dl", { class: "pairs" }, shown.map(([name, value]) => [h("dt", null, outside(name)), h("dd", null, value)]));
}

/**
 * The fields of a message by their names, and the values that no type names.
 * @param {Source} source
 * @param {any} content
 * @param {Path} path
 */
export function fields(source, content, path) {
  const rows = (/** @type {"details" | "unnamed"} */ list) =>
    (content[list] ?? []).map((/** @type {any} */ detail, /** @type {number} */ index) => {
      const value = secret(source, [...path, list, index, "value"], detail.value, detail.label);
      const mark = list === "unnamed" && [h("span", { class: "tag" }, "not named"), " "];
      return [h("dt", null, outside(detail.label)), h("dd", null, mark, value)];
    });
  return h("dl", { class: "pairs" }, rows("details"), rows("unnamed"));
}

/** `67 ms`, `1.2 s`, `3 min`. @param {number} ms */
function lag(ms) {
  if (Math.abs(ms) < 1000) return `${Math.round(ms)} ms`;
  return ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : span(ms / 1000);
}

/** @typedef {{name: Child, at?: string | number | null, marks?: Child, place?: string}} Step */

/** Steps with the time between them. @param {Step[]} steps */
function timeLine(steps) {
  let last = NaN;
  const items = steps.map(({ name, at, marks, place }) => {
    const now = new Date(at ?? NaN).getTime();
    const after = now - last >= 0 ? `${lag(now - last)} later` : last - now > 0 && `${lag(last - now)} before that`;
    last = Number.isNaN(now) ? last : now;
    const when = Number.isNaN(now) ? "time unknown" : exact(now);
    return h("li", { class: place ?? "passed" }, h("span", null, name), " ", h("time", null, when), " ", after && h("span", { class: "lag" }, after), " ", marks);
  });
  return h("ol", { class: "time-line" }, items);
}

/** With milliseconds. @param {string | number} at */
function exact(at) {
  return `${time(at)}.${String(new Date(at).getMilliseconds()).padStart(3, "0")}`;
}

/** The receipts of a sent message. @param {Source} source @param {any} sent @param {Path} path */
export function receipts(source, sent, path) {
  const steps = sent.receipts.map((/** @type {any} */ step, /** @type {number} */ index) => ({
    name: h("strong", null, outside(step.status)),
    at: step.received_at,
    place: step.place,
    marks: [
      step.place === "late" && h("span", { class: "tag" }, "late"),
      step.variant && h("span", { class: "tag" }, "variant"),
      step.detail && secret(source, [...path, "receipts", index, "detail"], step.detail, "detail"),
    ],
  }));
  return [h("p", null, standing(sent)), timeLine(steps)];
}

/** @param {any} sent */
export function standing(sent) {
  if (sent.final) return `It is ${visible(sent.current)}, which is final.`;
  const waiting = sent.waiting_for.join(", ");
  return `It is ${visible(sent.current)}${sent.since ? `, since ${ago(sent.since)}` : ""}.${waiting ? ` One of these is to come: ${waiting}.` : ""}`;
}

/** What is asked: an id, and the row that it is from. @typedef {{id: string, entry?: import("../store.js").RowEntry}} Asked */

/** How one message came. @param {any} item @param {Asked} asked */
function arrival(item, { entry }) {
  /** @type {Step[]} */
  const steps = [];
  if (item.sent_at) steps.push({ name: "Sent by the user, by WhatsApp's clock", at: item.sent_at });
  steps.push({ name: "Callback received", at: item.received_at });
  if (entry?.row.event_id === item.event_id) steps.push({ name: "Event came to this console", at: entry?.row.shown_at, place: "current" });
  return timeLine(steps);
}

/** @param {string} title @param {...Child} children */
function section(title, ...children) {
  return h("section", null, h("h3", null, title), children);
}

/** @param {string} title @param {boolean} open @param {() => Child} content made when it is opened */
export function fold(title, open, content) {
  const details = h("details", { open }, h("summary", null, title));
  const add = () => details.childElementCount === 1 && details.append(h("div", null, content()));
  details.addEventListener("toggle", add);
  if (open) add();
  return details;
}

/** @param {Source} source @param {any} item @param {Path} path @param {App} app */
function itemFacts(source, item, path, app) {
  const masked = (/** @type {string} */ key) => item[key] && secret(source, [...path, key], item[key], key);
  return facts([
    [item.kind === "mo" ? "type" : "status", outside(item.type ?? item.status ?? "binary")],
    ["contact", masked("contact")],
    ["destination", masked("destination")],
    ["operator", masked("operator")],
    ["reference", masked("reference")],
    ["replies to", item.reply_to && [masked("reply_to"), " ", opener(app, item.reply_to)]],
    ["application", outside(item.application)],
    ["received", item.received_at && exact(item.received_at)],
    ["variant", item.variant && `another body came under the same id; this one is ${item.variant}`],
    ["event id", outside(item.event_id)],
  ]);
}

/** A button that opens another message. @param {App} app @param {string} id */
export function opener(app, id) {
  if (MASK.test(id)) return null;
  return h("button", { type: "button", class: "btn btn-small", "aria-label": `open message ${id}`, onclick: () => app.go(`#/message/${encodeURIComponent(id)}`) }, "open");
}

/** Where the body and the binary content are. @param {any} item */
function storage({ stored, binary }) {
  const gone = h("span", { class: "tag" }, "no longer in the bucket");
  const object = (/** @type {any} */ part) => part.object && [outside(part.object), " ", part.gone && gone];
  return facts([
    ["body", `${plural(stored.bytes, "byte")}, in the ${stored.place}`],
    ["object", object(stored)],
    ["digest", outside(stored.digest)],
    ["kept until", stored.expires_at && time(stored.expires_at)],
    ["binary content", binary && `${visible(binary.content_type)}, ${plural(binary.bytes, "byte")}`],
    ["its object", binary && (object(binary) ?? "none: only the body has it, in base64")],
    ["its SHA-256", binary && outside(binary.sha256)],
  ]);
}

/** @param {Source} source @param {any} event @param {Path} path */
function published(source, event, path) {
  if (event.reason !== undefined) return h("p", null, "It can't be published: ", outside(event.reason));
  /** @type {[string, Child][]} */
  const attributes = Object.entries(event.attributes).map(([name, value]) => [name, secret(source, [...path, "attributes", name], value, name)]);
  return [h("h4", null, "Message attributes"), facts(attributes), h("h4", null, "Event"), jsonView(source, [...path, "event"], event.event)];
}

/** @param {Report} report @param {any} item @param {number} index @param {Asked} asked */
function itemView(report, item, index, asked) {
  const path = ["items", index];
  const { content, callback, event } = item;
  return [
    itemFacts(report, item, path, report.app),
    content && section("Content", h("p", { class: "summary" }, secret(report, [...path, "content", "summary"], content.summary, "summary")), fields(report, content, [...path, "content"])),
    item.kind === "mo" && section("Time line", arrival(item, asked)),
    fold("Callback as it came", true, () => (callback ? jsonView(report, [...path, "callback"], callback) : "The body is not JSON.")),
    event && fold("Event as it is published", false, () => published(report, event, [...path, "event"])),
    fold("Where it is stored", false, () => storage(item)),
  ];
}

/** @param {Report} report @param {any} json @param {Asked} asked */
function items(report, json, asked) {
  if (json.items.length === 1) return itemView(report, json.items[0], 0, asked);
  const isAsked = (/** @type {any} */ item) => item.asked_for || item.event_id === asked.entry?.row.event_id;
  return json.items.map((/** @type {any} */ item, /** @type {number} */ index) => {
    const title = `${item.kind === "mo" ? "Message" : "Receipt"} ${item.number}: ${visible(item.type ?? item.status ?? "binary")}${item.variant ? ", variant" : ""}`;
    return fold(title, isAsked(item), () => itemView(report, item, index, asked));
  });
}

/** @param {Report} report @param {any} json */
function related(report, json) {
  const sent = json.replies_to.flatMap((/** @type {any} */ reply, /** @type {number} */ at) =>
    reply.sent.map((/** @type {any} */ one, /** @type {number} */ index) =>
      section("The message that it replies to", receipts(report, one, ["replies_to", at, "sent", index]), opener(report.app, one.message_id))));
  const replies = json.replies.map((/** @type {any} */ reply, /** @type {number} */ index) =>
    h("li", null, h("time", null, time(reply.received_at)), " ", secret(report, ["replies", index, "summary"], reply.summary, "reply"), " ", opener(report.app, reply.id)));
  const broken = (json.unreadable ?? []).map((/** @type {any} */ item) => h("li", null, outside(item.problem)));
  return [
    sent,
    replies.length > 0 && section("Replies", h("ul", { class: "stack" }, replies)),
    broken.length > 0 && section("Stored, but not readable", h("ul", null, broken)),
  ];
}

/** @param {App} app @param {string} id @param {any} json */
function actions(app, id, json) {
  const isFromUser = json.items.some((/** @type {any} */ item) => item.kind === "mo" && item.contact);
  const conversation = () => app.go(`#/conversation/message/${encodeURIComponent(id)}`);
  return h("div", { class: "row" },
    isFromUser && h("button", { type: "button", class: "btn", onclick: conversation }, "Conversation"),
    app.about.read_only ? h("span", null, "This console only reads, so nothing can be resent.") : resend(app, id, json.items.length));
}

/** @param {App} app @param {string} id @param {number} events */
function resend(app, id, events) {
  const url = h("input", { type: "url", class: "field", placeholder: "https://…", "aria-describedby": "resend-hint" });
  const send = (/** @type {Event} */ event) => {
    event.preventDefault();
    const to = url.value.trim();
    const what = plural(events, "event");
    void app.confirm({
      title: `Resend ${what}`,
      text: to ? `Sends ${what} of this message to ${to}, and to nothing else.` : `Publishes ${what} of this message again. Every subscriber receives them, with the attribute replay.`,
      args: ["resend", ...(to ? [`--to=${to}`] : []), "--", id],
    });
  };
  return h("form", { class: "row", onsubmit: send },
    h("label", null, "Resend to ", url),
    h("button", { type: "submit", class: "btn" }, "Resend…"),
    h("span", { id: "resend-hint", class: "muted small" }, "the URL of a queue or of a program; empty: the topic"));
}

/** The id that a command takes: the row's own may be masked. @param {App} app @param {Asked} asked */
async function realId(app, { id, entry }) {
  if (!entry || !MASK.test(id)) return id;
  const found = await new RowSource(app, entry).valueAt(["id"]).catch(() => entry.row.event_id);
  return String(found);
}

/** @param {App} app @param {import("../store.js").RowEntry} entry */
function unreadable(app, entry) {
  const { row } = entry;
  const text = secret(new RowSource(app, entry), ["text"], row.text ?? "", "text");
  return [h("h2", null, "A message that is no event"), facts([["problem", outside(row.unreadable ?? "")], ["size", plural(row.bytes ?? 0, "byte")], ["text", text]])];
}

/** @param {Report} report @param {any} json @param {Asked} asked */
function whole(report, json, asked) {
  const isSent = json.receipts !== null;
  return [
    h("h2", { tabindex: "-1" }, isSent ? "Sent message" : "Message"),
    h("p", null, secret(report, ["id"], json.id, "id")),
    actions(report.app, report.subject, json),
    isSent && section("Receipts", receipts(report, json.receipts, ["receipts"])),
    items(report, json, asked),
    related(report, json),
  ];
}

/**
 * Shows a message in `root`.
 * @param {HTMLElement} root
 * @param {App} app
 * @param {Asked} asked
 * @returns {() => void} ends it
 */
export function openMessage(root, app, asked) {
  if (asked.entry?.row.unreadable !== undefined) {
    fill(root, unreadable(app, asked.entry));
    return () => root.replaceChildren();
  }
  const report = realId(app, asked).then((id) => new Report(app, ["show", "--event"], id));
  let draws = 0;
  const draw = async () => {
    const draw = ++draws;
    const content = await report.then(async (report) => {
      const json = await report.load();
      return json ? whole(report, json, asked) : [h("h2", null, "Message"), h("p", null, "Nothing is known of ", outside(asked.id), ".")];
    }).catch((error) => h("p", { role: "alert" }, textOf(error)));
    if (draw === draws) fill(root, content);
  };
  fill(root, h("p", null, "Reading…"));
  const end = app.reveal.subscribe(() => void draw());
  void draw();
  return () => {
    draws++;
    end();
    root.replaceChildren();
  };
}

/** @type {import("../api.js").View} */
export const view = {
  name: "message",
  title: "Message",
  key: "m",
  mount(root, app) {
    const box = h("article", { class: "message" });
    root.append(box);
    if (app.path[0]) return openMessage(box, app, { id: app.path[0] });
    fill(box, h("p", null, "Open a message from the events, or search for its id there."));
    return () => {};
  },
};
