/** @file What needs manual action: the dead-letter queue, and the quarantine. */

import { copyable, fill, h, load, verdictOf } from "../dom.js";
import { ago, count, plural, time } from "../format.js";

/** @typedef {import("../api.js").App} App */
/** @typedef {import("../dom.js").Child} Child */

/**
 * A message of the dead-letter queue, or a body of the quarantine.
 * @typedef {object} Row
 * @property {string} id
 * @property {string} kind
 * @property {string | null} since
 * @property {string | null} reason
 * @property {string} [event_id]
 * @property {"mo" | "dlr"} [event_kind]
 * @property {number} [bytes]
 * @property {string | null} [expires_at]
 * @property {string} [application]
 */

/**
 * One of the two lists.
 * @typedef {object} List
 * @property {string} path in the address
 * @property {string} title
 * @property {string} about
 * @property {string} empty
 * @property {string[]} args
 * @property {(report: any) => Row[]} rows
 * @property {(report: any) => string} rest what the list leaves out, or nothing
 * @property {(panel: Panel) => Child} tools for the whole list
 * @property {(panel: Panel, reason: string, amount: number) => Child} reason what can be done with all that have one reason
 * @property {(panel: Panel, row: Row, report: any) => Child} open
 * @property {string[]} show
 */

/** @param {string} text @param {() => void} onclick @param {string} [kind] */
function button(text, onclick, kind = "") {
  return h("button", { class: `btn ${kind}`, type: "button", onclick }, text);
}

/** @param {[string, Child][]} pairs */
function pairs(pairs) {
  const known = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return h(
    "dl",
    { class: "pairs" },
    known.map(([name, value]) => [h("dt", null, name), h("dd", { class: "wrap" }, value)]),
  );
}

/** A time, and how long ago it was. @param {string | null | undefined} at */
function moment(at) {
  return at ? `${time(at)}, ${ago(at)}` : null;
}

/** @param {unknown} value */
function source(value) {
  const text = typeof value === "string" ? value : JSON.stringify(value, null, 2);
  return h("pre", { class: "output", tabindex: "0", "aria-label": "The message" }, text);
}

/** What a redrive did, or would do. @param {any} tally */
function tallyView(tally) {
  /** @type {[string, number, string][]} */
  const lines = [
    ["published", tally.published, ""],
    ["sent to the spill queue", tally.sent_on, ""],
    ["batches published again", tally.positions, ""],
    ...Object.entries(tally.parked_again).map(
      ([reason, amount]) => /** @type {[string, number, string]} */ (["parked again", amount, reason]),
    ),
    ["left", tally.gone, "the event has expired in the table"],
    ...Object.entries(tally.left).map(
      ([reason, amount]) => /** @type {[string, number, string]} */ (["left", amount, reason]),
    ),
    ["hidden", tally.hidden, "another reader has them: try again in 30 s"],
  ];
  const rows = lines
    .filter(([, amount]) => amount > 0)
    .map(([name, amount, why]) =>
      h("tr", null, h("td", null, name), h("td", { class: "number" }, count(amount)), h("td", { class: "wrap" }, why)),
    );
  const nobody = tally.without_subscribers.map((/** @type {string} */ kind) =>
    h(
      "p",
      { class: "row" },
      verdictOf("warning"),
      `The topic ${kind} has no subscriber: nobody would receive its events.`,
    ),
  );
  return [
    h("table", { class: "table" }, h("tbody", null, rows)),
    rows.length === 0 && h("p", null, "Nothing to do."),
    nobody,
  ];
}

/** @param {string} title @param {string[]} filter */
function redrive(title, filter) {
  const text =
    "Publishes the events that wait in the dead-letter queue to every subscriber. A message is deleted only after its event was accepted.";
  return {
    title,
    text,
    args: ["parked", "redrive", ...filter],
    dry: ["parked", "redrive", "--dry-run", ...filter],
    describe: tallyView,
  };
}

/** @param {string} title @param {string[]} which */
function discardParked(title, which) {
  const text =
    "Deletes it from the dead-letter queue for good. An event stays in the table until it expires; a spilled event is in no other place and is lost.";
  return { title, text, args: ["parked", "discard", ...which], danger: true };
}

/** @param {string} title @param {string[]} which */
function discardQuarantined(title, which) {
  return {
    title,
    text: "Deletes it from the quarantine for good. It is in no other place.",
    args: ["quarantine", "discard", ...which],
    danger: true,
  };
}

/** The reasons, most frequent first. @param {Row[]} rows @returns {[string, number][]} */
function reasons(rows) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const { reason } of rows) if (reason) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return [...counts].sort(([, one], [, other]) => other - one);
}

/**
 * How often each reason, and what can be done with all of them.
 * @param {Row[]} rows
 * @param {(reason: string, amount: number) => Child} actions
 */
function byReason(rows, actions) {
  const items = reasons(rows).map(([reason, amount]) =>
    h(
      "li",
      { class: "signal row" },
      h("span", { class: "grow wrap" }, h("strong", null, count(amount)), ` × ${reason}`),
      actions(reason, amount),
    ),
  );
  return items.length > 0 && h("section", { class: "card stack" }, h("h2", null, "By reason"), h("ul", null, items));
}

/** @type {List} */
const DEAD_LETTERS = {
  path: "dead-letters",
  title: "Dead-letter queue",
  about:
    "Events that couldn't be published or stored, each with a reason. They are kept for 14 days. Reading hides the messages from other readers for up to 30 s.",
  empty: "The dead-letter queue is empty.",
  args: ["parked", "list"],
  show: ["parked", "show"],
  rows: (report) => report.messages,
  rest: (report) => (report.more ? `${count(report.read)} read; the queue holds about ${count(report.in_queue)}.` : ""),
  tools: (panel) =>
    h(
      "div",
      { class: "row" },
      button("Dry run", () => panel.dryRun()),
      button("Redrive all", () => void panel.act(redrive("Redrive the dead-letter queue", [])), "btn-primary"),
    ),
  reason: (panel, reason, amount) => [
    button(
      "Redrive these",
      () => void panel.act(redrive(`Redrive ${plural(amount, "message")}`, [`--reason=${reason}`])),
      "btn-small",
    ),
    button(
      "Discard these",
      () => void panel.act(discardParked(`Discard ${plural(amount, "message")}`, [`--reason=${reason}`])),
      "btn-small",
    ),
  ],
  open: (panel, row, reports) => reports.map((/** @type {any} */ report) => parkedView(panel, row, report)),
};

/** @type {Record<string, string>} */
const IN_TABLE = {
  none: "the message names no event",
  in_table: "in the table",
  not_in_table: "not in the table: expired, or never stored",
};
/** @type {Record<string, string>} */
const REDRIVES = {
  published: "publish it",
  sent_on: "send it to the spill queue",
  parked_again: "park it again",
  gone: "leave it: its event has expired",
  left: "leave it",
};

/** @param {Panel} panel @param {Row} row @param {any} report */
function parkedView(panel, row, report) {
  const event =
    row.event_id && h("a", { class: "mono", href: `#/message/${encodeURIComponent(row.event_id)}` }, row.event_id);
  const would = report.redrive
    ? [REDRIVES[report.redrive.outcome] ?? report.redrive.outcome, report.redrive.reason].filter(Boolean).join(": ")
    : "publish all events received around its time";
  return [
    pairs([
      ["kind", [row.kind, row.event_kind && ` of ${row.event_kind}`]],
      ["reason", row.reason],
      ["since", moment(row.since)],
      ["event", event],
      ["its item", IN_TABLE[report.item.state]],
      ["a redrive would", would],
    ]),
    h(
      "div",
      { class: "row" },
      row.event_id &&
        button(
          "Redrive it",
          () => void panel.act(redrive("Redrive one event", [`--event-id=${row.event_id}`])),
          "btn-primary",
        ),
      button("Discard it", () => void panel.act(discardParked("Discard one message", ["--", row.id]))),
    ),
    source(report.message),
  ];
}

/** @type {List} */
const QUARANTINE = {
  path: "quarantine",
  title: "Quarantine",
  about:
    "Bodies that arrived with valid credentials but aren't callbacks. They were answered 400, and are kept in the table until they expire.",
  empty: "Nothing is quarantined.",
  args: ["quarantine", "list"],
  show: ["quarantine", "show"],
  rows: (report) => report.quarantined,
  rest: (report) =>
    [
      report.more && "There are more than these.",
      report.unreadable > 0 && `${plural(report.unreadable, "item")} have a newer layout and aren't shown.`,
    ]
      .filter(Boolean)
      .join(" "),
  tools: () => null,
  reason: (panel, reason, amount) =>
    button(
      "Discard these",
      () => void panel.act(discardQuarantined(`Discard ${count(amount)} quarantined`, [`--reason=${reason}`])),
      "btn-small",
    ),
  open: (panel, row, report) => [
    pairs([
      ["callback", row.kind],
      ["reason", row.reason],
      ["since", moment(row.since)],
      ["user name", row.application],
      ["size", plural(row.bytes ?? 0, "byte")],
      ["expires", row.expires_at ? time(row.expires_at) : null],
      ["accepted now?", report.accepted_now ? "yes" : "no: it would be rejected again"],
    ]),
    h(
      "div",
      { class: "row" },
      sendAgain(panel, row, report.accepted_now),
      button("Discard it", () => void panel.act(discardQuarantined("Discard one body", ["--", row.id]))),
    ),
    source(report.body),
  ],
};

/** @param {Panel} panel @param {Row} row @param {boolean} isAccepted */
function sendAgain({ app, act }, row, isAccepted) {
  if (!app.about.local)
    return copyable(`wab quarantine send ${row.id} --discard --url CALLBACK_URL`);
  const text =
    "Posts the body to the callback URL as the gateway would, and discards it if it is accepted. The callback counts as received now.";
  const send = button(
    "Send again",
    () => void act({ title: "Send one body again", text, args: ["quarantine", "send", "--discard", "--", row.id] }),
    "btn-primary",
  );
  send.disabled = !isAccepted;
  return send;
}

/** A list, and what is open of it. */
class Panel {
  /** @param {App} app @param {List} list */
  constructor(app, list) {
    this.app = app;
    this.list = list;
    /** @type {Row | null} */
    this.opened = null;
    this.rows = h("div", { class: "stack" });
    this.detail = h("section", { class: "card stack", "aria-label": "What is open", "aria-live": "polite" });
    this.again = button("Read again", () => void this.read());
    const head = h("div", { class: "row" }, h("p", { class: "muted grow" }, list.about), this.again);
    this.element = h("div", { class: "stack" }, head, h("div", { class: "split" }, this.rows, this.detail));
  }

  /** @param {string} [id] of the row to open */
  async read(id) {
    this.close();
    await load(this.rows, this.app.api.report(this.list.args), (report) => this.listView(report));
    this.rows.querySelector(/** @type {"button"} */ (`button[data-id="${CSS.escape(id ?? "")}"]`))?.click();
  }

  close() {
    this.opened = null;
    fill(this.detail, h("p", { class: "muted" }, "Pick one to see all of it."));
  }

  /** @param {any} report */
  listView(report) {
    const rows = this.list.rows(report);
    if (rows.length === 0) return h("p", { class: "empty" }, this.list.empty);
    const items = rows.map((row) => h("li", null, this.pick(row)));
    const reasons = byReason(rows, (reason, amount) => this.list.reason(this, reason, amount));
    return [
      this.list.tools(this),
      h("ul", { class: "card", "aria-label": this.list.title }, items),
      h("p", { class: "muted" }, this.list.rest(report)),
      reasons,
    ];
  }

  /** @param {Row} row */
  pick(row) {
    const head = [
      row.since ? time(row.since) : "no time",
      h("span", { class: "tag" }, row.kind),
      row.event_kind && h("span", { class: `tag tag-${row.event_kind}` }, row.event_kind),
      row.bytes !== undefined && plural(row.bytes, "byte"),
    ];
    const pick = h(
      "button",
      { class: "pick", type: "button", "data-id": row.id, onclick: () => this.open(row, pick) },
      h("span", { class: "row" }, head),
      h("span", { class: "wrap" }, row.reason ?? "no reason"),
    );
    return pick;
  }

  /** @param {Row} row @param {HTMLElement} pick */
  open(row, pick) {
    for (const other of this.rows.querySelectorAll("[aria-current]")) other.removeAttribute("aria-current");
    pick.setAttribute("aria-current", "true");
    history.replaceState(null, "", `#/parked/${this.list.path}/${encodeURIComponent(row.id)}`);
    this.opened = row;
    void this.show(row);
  }

  /** @param {Row} row */
  async show(row) {
    const args = [...this.list.show, ...(this.app.reveal.on ? ["--reveal"] : []), "--", row.id];
    await load(this.detail, this.app.api.report(args), (report) => this.list.open(this, row, report));
    this.detail.scrollIntoView({ block: "nearest" });
  }

  dryRun() {
    this.opened = null;
    const run = this.app.api.report(["parked", "redrive", "--dry-run"]);
    void load(this.detail, run, (tally) => [h("h2", null, "A redrive would do this"), tallyView(tally)]);
  }

  /** @param {import("../api.js").Action} action */
  act = async (action) => {
    const result = await this.app.confirm(action);
    if (!result) return;
    void this.app.status.refresh();
    await this.read();
    this.again.focus();
  };
}

/** @param {HTMLElement} root @param {App} app */
function mount(root, app) {
  const current = app.path[0] === QUARANTINE.path ? QUARANTINE : DEAD_LETTERS;
  const tab = (/** @type {List} */ list) =>
    h(
      "a",
      {
        class: `btn ${list === current ? "btn-primary" : ""}`,
        href: `#/parked/${list.path}`,
        "aria-current": list === current ? "page" : null,
      },
      list.title,
    );
  const panel = new Panel(app, current);
  root.append(
    h(
      "div",
      { class: "stack" },
      h("h1", null, "Parked"),
      h("nav", { class: "tabs", "aria-label": "Lists" }, tab(DEAD_LETTERS), tab(QUARANTINE)),
      panel.element,
    ),
  );
  void panel.read(app.path[1]);
  return app.reveal.subscribe(() => panel.opened && void panel.show(panel.opened));
}

/** @type {import("../api.js").View} */
export const view = { name: "parked", title: "Parked", key: "p", mount };
