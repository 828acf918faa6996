/** @file One message: its callback, typed content, event and receipts. Also how values from outside are shown. */

import { textOf } from "../api.js";
import { fill, h, setText } from "../dom.js";
import { ago, count, plural, span, time } from "../format.js";

/** @typedef {import("../api.js").App} App */
/** @typedef {import("../dom.js").Child} Child */
/** @typedef {import("../store.js").RowEntry} RowEntry */
/** @typedef {(string | number)[]} Path */
/** What can reveal a value. @typedef {{app: App, valueAt: (path: Path) => Promise<any>}} Source */
/** An id, and the row that it is from. @typedef {{id: string, entry?: RowEntry}} Asked */

const CUT = 600;
const MORE = 50_000;
const LINES = 200;
const MORE_LINES = 1000;
const MASK = /…|\(\d+ characters?\)/;
const CONTROLS = /[\u0000-\u0008\u000b-\u001f]/g;
const DIRECTIONS = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** A text without characters that can't be seen or that turn others around. @param {string} text */
export function visible(text) {
  const code = (/** @type {string} */ char) => `⟨U+${char.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`;
  return text.replace(CONTROLS, (char) => String.fromCharCode(0x2400 + char.charCodeAt(0))).replace(DIRECTIONS, code);
}

/** @param {any[] | undefined} list @param {(item: any, index: number) => Child} make @returns {Child[]} */
export function each(list, make) {
  return (list ?? []).map(make);
}

/** @param {string} text @param {() => unknown} does @param {string} [label] */
export function button(text, does, label) {
  return h("button", { type: "button", class: "btn btn-small", "aria-label": label, onclick: does }, text);
}

/** @param {string} text */
export function tag(text) {
  return [h("span", { class: "tag" }, outside(text)), " "];
}

/** @param {unknown} error */
export function alarm(error) {
  return h("p", { class: "notice", role: "alert" }, textOf(error));
}

/** A text from outside. A long one is cut, and shown part by part. @param {string} text @returns {HTMLElement} */
export function outside(text) {
  const shown = h("bdi", { class: "outside" }, visible(text.slice(0, CUT)));
  if (text.length <= CUT) return shown;
  let end = CUT;
  const more = button("", () => {
    shown.append(visible(text.slice(end, end + MORE)));
    end += MORE;
    label();
  });
  const label = () => {
    if (end >= text.length) return more.remove();
    return setText(more, `show ${text.length - end <= MORE ? "all" : "more"} (${count(end)} of ${plural(text.length, "character")})`);
  };
  label();
  return h("span", null, shown, " ", more);
}

/** A value of a report, with its place in it. */
export class Spot {
  /** @param {Source} source @param {any} value @param {Path} [path] */
  constructor(source, value, path = []) {
    this.source = source;
    this.value = value;
    this.path = path;
  }

  /** @param {...(string | number)} path */
  at(...path) {
    return new Spot(this.source, pick(this.value, path), [...this.path, ...path]);
  }
}

/** A value that may be masked, with the button that shows it. @param {Spot} spot @param {string} label @returns {HTMLElement} */
export function secret({ source, path, value: text }, label) {
  if (source.app.reveal.on || !MASK.test(text)) return outside(text);
  const place = h("span", null, outside(text));
  let isShown = false;
  const toggle = async () => {
    try {
      fill(place, outside(isShown ? text : asText(await source.valueAt(path))));
      isShown = !isShown;
      setText(show, isShown ? "hide" : "show");
      show.setAttribute("aria-label", `${isShown ? "hide" : "show"} ${label}`);
    } catch (error) {
      fill(place, outside(text), " ", alarm(error));
    }
  };
  const show = button("show", toggle, `show ${label}`);
  return h("span", { class: "secret" }, place, " ", show);
}

/** @param {unknown} value */
function asText(value) {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}

/** @param {any} value @param {Path} path */
function pick(value, path) {
  return path.reduce((part, key) => part?.[key], value);
}

/** A report about `subject`: masked, and revealed when that is asked for. @implements {Source} */
export class Report {
  /** @param {App} app @param {string[]} args command and options @param {string} subject an id or a contact */
  constructor(app, args, subject) {
    this.app = app;
    this.args = args;
    this.subject = subject;
    /** By option. @type {Map<string, Promise<any>>} */
    this.answers = new Map();
  }

  /** The report as the page is set; null if there is nothing. @param {boolean} [reveal] @returns {Promise<any>} */
  load(reveal = this.app.reveal.on) {
    const option = reveal ? "--reveal" : "";
    const answer = this.answers.get(option) ?? this.ask(option);
    this.answers.set(option, answer);
    answer.catch(() => this.answers.delete(option));
    return answer;
  }

  /** @param {string} option */
  async ask(option) {
    const result = await this.app.api.run([...this.args, ...(option ? [option] : []), "--", this.subject]);
    // The command quotes the subject, which may be a number.
    if (result.exit > 1) throw new Error(result.err.trim().replaceAll(this.subject, "…") || `It ended with exit code ${result.exit}.`);
    return result.json;
  }

  /** @param {Path} path */
  async valueAt(path) {
    const whole = await this.load(true);
    if (path[0] === "items") {
      const event = [...path.slice(0, 2), "event_id"];
      if (pick(whole, event) !== pick(await this.load(false), event)) throw new Error("More has come since: open the message again.");
    }
    return pick(whole, path);
  }
}

/** A live row, which only the console's server has, for a while. @param {App} app @param {RowEntry} entry @returns {Source} */
function rowSource(app, entry) {
  const valueAt = async (/** @type {Path} */ path) => {
    if (!app.store.isCurrent(entry)) throw new Error("The console was restarted and no longer has this event.");
    return pick(await app.api.get(`/api/rows/${entry.row.seq}`), path);
  };
  return { app, valueAt };
}

/** @typedef {{depth: number, path: Path, key: string, value?: unknown, bracket?: string, comma: string}} Line */

/** JSON line by line. @param {Line} line @returns {Generator<Line>} */
function* linesOf({ value, ...line }) {
  const isArray = Array.isArray(value);
  const entries = value !== null && typeof value === "object" ? Object.entries(value) : [];
  if (entries.length === 0) return yield { ...line, value };
  yield { ...line, bracket: isArray ? "[" : "{", comma: "" };
  for (const [index, [name, member]] of entries.entries()) {
    const comma = index < entries.length - 1 ? "," : "";
    yield* linesOf({ depth: line.depth + 1, path: [...line.path, name], key: isArray ? "" : name, value: member, comma });
  }
  return yield { ...line, key: "", bracket: isArray ? "]" : "}" };
}

/** @param {Spot} spot @param {Line} line */
function jsonLine({ source }, { depth, path, key, value, bracket, comma }) {
  const isMasked = typeof value === "string" && MASK.test(value) && !source.app.reveal.on;
  const leaf = bracket ?? (isMasked ? secret(new Spot(source, value, path), key) : outside(JSON.stringify(value)));
  return h("div", { style: { "--depth": String(depth) } }, key && [h("span", { class: "json-key" }, outside(JSON.stringify(key))), ": "], leaf, comma);
}

/** A JSON value as text. Many lines are shown part by part. @param {Spot} spot */
function jsonView(spot) {
  const box = h("div", { class: "json", tabindex: "0", role: "group", "aria-label": "JSON" });
  const lines = linesOf({ depth: 0, path: spot.path, key: "", value: spot.value, comma: "" });
  const more = button("show more lines", () => add(MORE_LINES));
  const add = (/** @type {number} */ amount) => {
    more.remove();
    for (let line = lines.next(); !line.done; line = lines.next()) {
      box.append(jsonLine(spot, line.value));
      if (--amount === 0) return box.append(more);
    }
  };
  add(LINES);
  return box;
}

/** Names and values. Those without a value are left out. @param {[string, Child][]} rows */
function facts(rows) {
  return h("dl", { class: "pairs" }, rows.filter(([, value]) => value).map(([name, value]) => [h("dt", null, outside(name)), h("dd", null, value)]));
}

/** The fields of a message by their names, and the values that no type names. @param {Spot} spot */
export function fields(spot) {
  const rows = (/** @type {string} */ list) => each(spot.value[list], ({ label }, index) => [
    h("dt", null, outside(label)),
    h("dd", null, list === "unnamed" && tag("not named"), secret(spot.at(list, index, "value"), label)),
  ]);
  return h("dl", { class: "pairs" }, rows("details"), rows("unnamed"));
}

/** `67 ms`, `1.2 s`, `3 min`. @param {number} ms */
function lag(ms) {
  if (ms < 1000) return `${ms} ms`;
  return ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : span(ms / 1000);
}

/** With milliseconds. @param {string | number} at */
function exact(at) {
  return `${time(at)}.${String(new Date(at).getMilliseconds()).padStart(3, "0")}`;
}

/** @typedef {{name: Child, at?: string | number | null, marks?: Child, place?: string}} Step */

/** Steps with the time between them. @param {Step[]} steps */
function timeLine(steps) {
  let last = NaN;
  return h("ol", { class: "time-line" }, each(steps, ({ name, at, marks, place }) => {
    const now = new Date(at ?? NaN).getTime();
    const after = last > now ? `${lag(last - now)} earlier` : last <= now && `${lag(now - last)} later`;
    last = now || last;
    return h("li", { class: place }, name, " ", h("time", null, now ? exact(now) : "time unknown"), " ", h("span", { class: "muted" }, after), " ", marks);
  }));
}

/** The receipts of a sent message. @param {Spot} spot */
export function receipts(spot) {
  const sent = spot.value;
  const waiting = sent.waiting_for.join(", ");
  const standing = sent.final ? ", which is final." : `${sent.since ? `, since ${ago(sent.since)}` : ""}. To come is one of: ${waiting}.`;
  const steps = sent.receipts.map((/** @type {any} */ step, /** @type {number} */ index) => ({
    name: h("strong", null, outside(step.status)),
    at: step.received_at,
    place: step.place,
    marks: [step.place === "late" && tag("late"), step.variant && tag("variant"), step.detail && secret(spot.at("receipts", index, "detail"), "detail")],
  }));
  return [h("p", null, "It is ", outside(sent.current), standing), timeLine(steps)];
}

/** How a message came. @param {any} item @param {Asked} asked */
function arrival(item, { entry }) {
  const isRow = entry?.row.event_id === item.event_id;
  const steps = [
    item.sent_at && { name: "Sent by the user, by WhatsApp's clock", at: item.sent_at },
    { name: "Callback received", at: item.received_at, place: "current" },
    isRow && { name: "Event came to this console", at: entry?.row.shown_at },
  ];
  return section("Time line", timeLine(steps.filter(Boolean)));
}

/** @param {string} title @param {...Child} children */
function section(title, ...children) {
  return h("section", null, h("h3", null, title), children);
}

/** @param {Child} title @param {boolean} open @param {() => Child} content made when it is opened */
export function fold(title, open, content) {
  const details = h("details", { open }, h("summary", null, title));
  const add = () => details.childElementCount === 1 && details.append(h("div", null, content()));
  details.addEventListener("toggle", add);
  if (open) add();
  return details;
}

/** A button that opens another message. @param {App} app @param {string} id */
export function opener(app, id) {
  return !MASK.test(id) && button("open", () => app.go(`#/message/${encodeURIComponent(id)}`), `open message ${id}`);
}

/** @param {Spot} spot */
function itemFacts(spot) {
  const item = spot.value;
  const masked = (/** @type {string} */ key) => item[key] && secret(spot.at(key), key);
  return facts([
    [item.kind === "mo" ? "type" : "status", outside(item.type ?? item.status ?? "binary")],
    ["contact", masked("contact")],
    ["destination", masked("destination")],
    ["operator", masked("operator")],
    ["reference", masked("reference")],
    ["replies to", item.reply_to && [masked("reply_to"), " ", opener(spot.source.app, item.reply_to)]],
    ["application", outside(item.application)],
    ["received", item.received_at && exact(item.received_at)],
    ["variant", item.variant && `${item.variant}: the same id came with several bodies`],
    ["event id", outside(item.event_id)],
  ]);
}

/** Where the body and the binary content are. @param {any} item */
function storage({ stored, binary }) {
  const object = (/** @type {any} */ part) => part?.object && [outside(part.object), " ", part.gone && tag("no longer in the bucket")];
  return facts([
    ["body", `${plural(stored.bytes, "byte")}, ${stored.place === "nowhere" ? "not kept" : `in the ${stored.place}`}`],
    ["object", object(stored)],
    ["digest", outside(stored.digest)],
    ["kept until", stored.expires_at && time(stored.expires_at)],
    ["binary content", binary && [outside(binary.content_type), `, ${plural(binary.bytes, "byte")}`]],
    ["its object", binary && (object(binary) || "none: only the body has it, in base64")],
    ["its SHA-256", binary && outside(binary.sha256)],
  ]);
}

/** @param {Spot} spot */
function published(spot) {
  const { reason, attributes: all } = spot.value;
  if (reason !== undefined) return h("p", null, "It can't be published: ", outside(reason));
  /** @type {[string, Child][]} */
  const attributes = Object.keys(all).map((name) => [name, secret(spot.at("attributes", name), name)]);
  return [section("Message attributes", facts(attributes)), section("Event", jsonView(spot.at("event")))];
}

/** @param {Spot} spot @param {Asked} asked */
function itemView(spot, asked) {
  const item = spot.value;
  return [
    itemFacts(spot),
    item.content && section("Content", h("p", { class: "summary" }, secret(spot.at("content", "summary"), "summary")), fields(spot.at("content"))),
    item.kind === "mo" && arrival(item, asked),
    fold("Callback as it came", true, () => (item.callback ? jsonView(spot.at("callback")) : item.stored.place === "nowhere" ? "The stack keeps no content." : "The body is not JSON.")),
    item.event && fold("Event as it is published", false, () => published(spot.at("event"))),
    fold("Where it is stored", false, () => storage(item)),
  ];
}

/** @param {Spot} spot @param {Asked} asked */
function items(spot, asked) {
  if (spot.value.items.length === 1) return itemView(spot.at("items", 0), asked);
  return each(spot.value.items, (item, index) => {
    const title = [item.kind === "mo" ? "Message: " : "Receipt: ", outside(item.type ?? item.status ?? "binary"), item.variant && ", variant"];
    return fold(title, item.asked_for || item.event_id === asked.entry?.row.event_id, () => itemView(spot.at("items", index), asked));
  });
}

/** @param {Spot} spot */
function related(spot) {
  const { source: { app }, value: json } = spot;
  const sent = each(json.replies_to, (reply, at) => each(reply.sent, (one, index) =>
    section("The message that it replies to", receipts(spot.at("replies_to", at, "sent", index)), h("p", null, opener(app, one.message_id)))));
  const replies = each(json.replies, (reply, index) =>
    h("li", null, time(reply.received_at), " ", secret(spot.at("replies", index, "summary"), "reply"), " ", opener(app, reply.id)));
  const broken = each(json.unreadable, (item) => h("li", null, outside(item.problem)));
  return [sent, replies.length > 0 && section("Replies", h("ul", null, replies)), broken.length > 0 && section("Stored, but not readable", h("ul", null, broken))];
}

/** @param {App} app @param {string} id @param {any} json */
function actions(app, id, json) {
  const url = h("input", { type: "url", class: "field", placeholder: "the topic", "aria-describedby": "resend-hint" });
  const resend = (/** @type {Event} */ event) => {
    event.preventDefault();
    const to = url.value.trim();
    const what = plural(json.items.length, "event");
    void app.confirm({
      title: `Resend ${what}`,
      text: to ? `Sends ${what} to ${to}, and to nothing else.` : `Publishes ${what} again. Every subscriber receives them, with the attribute replay.`,
      args: ["resend", ...(to ? [`--to=${to}`] : []), "--", id],
    });
  };
  const conversation = button("Conversation", () => app.go(`#/conversation/message/${encodeURIComponent(id)}`));
  return h("form", { class: "row", onsubmit: resend },
    json.items.some((/** @type {any} */ item) => item.kind === "mo" && item.contact) && conversation,
    h("label", null, "Resend to ", url), h("button", { class: "btn btn-small" }, "Resend…"),
    h("span", { id: "resend-hint", class: "muted small" }, "or the URL of a queue or a program"));
}

/** @param {Report} report @param {any} json @param {Asked} asked */
function whole(report, json, asked) {
  const isSent = json.receipts !== null;
  const spot = new Spot(report, json);
  return [
    h("h2", null, isSent ? "Sent message" : "Message"),
    h("p", null, secret(spot.at("id"), "id")),
    actions(report.app, report.subject, json),
    isSent && section("Receipts", receipts(spot.at("receipts"))),
    items(spot, asked),
    related(spot),
  ];
}

/** @param {App} app @param {RowEntry} entry */
function unreadable(app, entry) {
  const { unreadable = "", bytes = 0, text = "" } = entry.row;
  return [h("h2", null, "A message that is no event"), facts([["problem", outside(unreadable)], ["size", plural(bytes, "byte")], ["text", secret(new Spot(rowSource(app, entry), text, ["text"]), "text")]])];
}

/** The report of a message. The id of a row may be masked. @param {App} app @param {Asked} asked */
async function reportOf(app, { id, entry }) {
  const known = entry && MASK.test(id) ? await rowSource(app, entry).valueAt(["id"]).catch(() => entry.row.event_id) : id;
  return new Report(app, ["show", "--event"], known);
}

/** Shows a message in `root`. @param {HTMLElement} root @param {App} app @param {Asked} asked @returns {() => void} ends it */
export function openMessage(root, app, asked) {
  if (asked.entry?.row.unreadable !== undefined) {
    fill(root, unreadable(app, asked.entry));
    return () => fill(root);
  }
  const report = reportOf(app, asked);
  let draws = 0;
  const content = async () => {
    const known = await report;
    const json = await known.load();
    return json ? whole(known, json, asked) : h("p", null, "Nothing is known of ", outside(asked.id), ".");
  };
  const draw = async () => {
    const number = ++draws;
    const drawn = await content().catch(alarm);
    if (number === draws) fill(root, drawn);
  };
  fill(root, "Reading…");
  const end = app.reveal.subscribe(() => void draw());
  void draw();
  return () => {
    draws = NaN;
    end();
    fill(root);
  };
}

/** @type {import("../api.js").View} */
export const view = {
  name: "message",
  title: "Message",
  key: "m",
  mount(root, app) {
    const box = h("article", { class: "card message" });
    root.append(h("h1", { class: "unseen" }, "Message"), box);
    return openMessage(box, app, { id: app.path[0] ?? "" });
  },
};
