/** @file The events as they come: a list of which only the visible rows are in the page. */

import { fill, h, set, setText } from "../dom.js";
import { count, time } from "../format.js";
import { kindOf } from "../store.js";
import { button, openMessage, visible } from "./message.js";

/** @typedef {import("../api.js").App} App */
/** @typedef {import("../store.js").Row} Row */
/** @typedef {import("../store.js").Entry} Entry */
/** @typedef {import("../store.js").RowEntry} RowEntry */
/** An element of a visible row, which is used for one row after the other. @typedef {{node: HTMLElement, cells: HTMLElement[], version: string}} Line */

const COLUMNS = ["time", "kind", "type or status", "from → to, or reference", "text", "marks"];
const LONGEST = 200;
const MOST_REVEALED = 1000;
const AT_ONCE = 6;

/** What a row may hold for a contact: what was typed, or the number as it is masked. @param {string} typed */
function contactForms(typed) {
  const number = typed.replace(/[\s()-]/g, "").replace(/^00|^\+/, "");
  if (!/^\d{7,}$/.test(number)) return [typed];
  const masked = `${number.slice(0, 2)}…${number.slice(-2)}`;
  return [number, masked];
}

/** @param {string | undefined} text @param {string} part */
function has(text, part) {
  return (text ?? "").toLowerCase().includes(part.trim().toLowerCase());
}

/** Whether an entry is shown. @param {string[]} filter @returns {(entry: Entry) => boolean} */
function matcher([kind = "", what = "", application = "", contact = ""]) {
  const forms = contactForms(contact);
  return (entry) => {
    if ("divider" in entry) return true;
    const { row } = entry;
    const named = [row.source, row.destination, row.reference];
    return (!kind || kindOf(row) === kind) && has(row.type ?? row.status, what) && has(row.application, application)
      && forms.some((form) => named.some((value) => has(value, form)));
  };
}

/** @param {Row} row */
function words({ unreadable, about, text, detail, delivery, source, reference, dataref }) {
  const standing = delivery && `now ${delivery.current}, ${delivery.final ? "final" : "not final"}${delivery.overtaken ? ", overtaken" : ""}`;
  return [unreadable, about, text, detail, standing, source && reference && `re ${reference}`, dataref && "body in the bucket"].filter(Boolean).join("  ");
}

/** What the cells of a row say. @param {Row} row */
function cells(row) {
  const isEvent = row.unreadable === undefined;
  const ends = [row.source, row.destination].filter(Boolean).join(" → ");
  const marks = [row.variant && "variant", row.replay && "replay", row.again && "again"].filter(Boolean).join(" ");
  // The time of an earlier day is its date.
  const at = time(row.received_at ?? row.shown_at).slice(0, 10);
  return [at, isEvent ? row.kind : "no event", row.type ?? row.status ?? (isEvent ? "binary" : ""), ends || row.reference || row.id, words(row), marks];
}

/** Reveals rows that can be seen, a few at a time. */
class Revealer {
  /** @param {App} app @param {() => void} changed */
  constructor(app, changed) {
    this.app = app;
    this.changed = changed;
    /** By key; null while it is asked for, or if it can't be had. @type {Map<number, Row | null>} */
    this.rows = new Map();
    this.asking = 0;
  }

  /** The revealed row, or until it is known the masked one. @param {RowEntry} entry */
  row(entry) {
    if (!this.app.reveal.on) return entry.row;
    if (!this.rows.has(entry.key) && this.asking < AT_ONCE && this.app.store.isCurrent(entry)) void this.ask(entry);
    return this.rows.get(entry.key) ?? entry.row;
  }

  /** @param {RowEntry} entry */
  async ask({ key, row }) {
    this.asking++;
    this.rows.set(key, null);
    const revealed = await this.app.api.get(`/api/rows/${row.seq}`).catch(() => null);
    this.asking--;
    this.rows.set(key, revealed && { ...revealed, data: null });
    const oldest = this.rows.keys().next();
    if (this.rows.size > MOST_REVEALED && !oldest.done) this.rows.delete(oldest.value);
    this.changed();
  }
}

/** The list: a grid whose rows have a fixed height. */
class List {
  /** @param {App} app @param {(entry: RowEntry) => void} open */
  constructor(app, open) {
    this.app = app;
    this.open = open;
    this.matches = matcher([]);
    /** What passes the filter. @type {Entry[]} */
    this.shown = [];
    this.active = -1;
    this.lastKey = 0;
    this.isPaused = false;
    this.follows = true;
    this.frame = 0;
    this.top = 0;
    this.height = 28;
    /** @type {Line[]} */
    this.lines = [];
    this.body = h("div", { class: "events-body", role: "rowgroup" });
    this.head = h("div", { class: "events-head", role: "rowgroup" }, h("div", { class: "event", role: "row" }, COLUMNS.map((name) => h("span", { role: "columnheader" }, name))));
    this.node = h("div", { class: "events-list", role: "grid", tabindex: "0", "aria-label": "Events", onscroll: () => this.scrolled() }, this.head, this.body);
    this.body.addEventListener("click", (event) => this.clicked(event));
    this.revealer = new Revealer(app, () => this.schedule());
    this.status = h("span", { class: "muted" });
  }

  /** Draws with the next frame. */
  schedule() {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
    });
  }

  /** @param {string[]} filter */
  setFilter(filter) {
    const active = this.shown[this.active];
    this.matches = matcher(filter);
    this.shown = this.app.store.entries.filter((entry) => entry.key <= this.lastKey && this.matches(entry));
    this.active = active ? this.shown.indexOf(active) : -1;
    this.schedule();
  }

  /** How many entries the store has that the list hasn't taken. */
  waiting() {
    const { entries } = this.app.store;
    let taken = entries.length;
    while (taken > 0 && (entries[taken - 1]?.key ?? 0) > this.lastKey) taken--;
    return entries.length - taken;
  }

  /** Takes what the store has and the list hasn't, and drops what the store dropped. */
  update() {
    const { entries } = this.app.store;
    const first = entries[0]?.key ?? 0;
    const kept = this.shown.findIndex(({ key }) => key >= first);
    const dropped = kept < 0 ? this.shown.length : kept;
    this.shown.splice(0, dropped);
    this.active = Math.max(-1, this.active - dropped);
    if (!this.follows && dropped > 0) this.node.scrollTop -= dropped * this.height;
    this.shown.push(...entries.slice(entries.length - this.waiting()).filter(this.matches));
    this.lastKey = entries.at(-1)?.key ?? this.lastKey;
  }

  draw() {
    if (!this.isPaused) this.update();
    this.body.style.height = `${this.shown.length * this.height}px`;
    if (this.follows) this.node.scrollTop = this.node.scrollHeight;
    const fitting = Math.ceil(this.node.clientHeight / this.height);
    // When a filter has made the list short, scrollTop may still be that of the long one.
    const first = Math.max(0, Math.min(Math.floor(this.node.scrollTop / this.height), this.shown.length - fitting) - 2);
    const visibleRows = this.shown.slice(first, first + fitting + 4);
    while (this.lines.length < visibleRows.length) this.lines.push(this.newLine());
    for (const { node } of this.lines.splice(visibleRows.length)) node.remove();
    visibleRows.forEach((entry, offset) => this.drawRow(/** @type {Line} */ (this.lines[offset]), entry, first + offset));
    const active = this.shown[this.active];
    set(this.node, { "aria-rowcount": this.shown.length + 1, "aria-activedescendant": active && visibleRows.includes(active) ? `event-${active.key}` : null });
    this.drawStatus();
  }

  /** @returns {Line} */
  newLine() {
    const cells = COLUMNS.map(() => h("bdi", { role: "gridcell" }));
    const node = h("div", { role: "row" }, cells);
    this.body.append(node);
    return { node, cells, version: "" };
  }

  /** @param {Line} line @param {Entry} entry @param {number} index */
  drawRow(line, entry, index) {
    const row = "divider" in entry ? null : this.revealer.row(entry);
    const isRevealed = row !== null && "row" in entry && row !== entry.row;
    const version = [entry.key, index, index === this.active, isRevealed, this.height].join();
    if (line.version === version) return;
    line.version = version;
    line.node.style.transform = `translateY(${index * this.height}px)`;
    set(line.node, { id: `event-${entry.key}`, class: `event event-${row ? kindOf(row) : "divider"}`, "aria-rowindex": index + 2, "aria-selected": String(index === this.active) });
    const texts = "divider" in entry ? ["", "", "", "", entry.divider] : cells(/** @type {Row} */ (row));
    line.cells.forEach((cell, column) => setText(cell, visible((texts[column] ?? "").slice(0, LONGEST).replace(/\s+/g, " "))));
  }

  drawStatus() {
    const { entries } = this.app.store;
    const standing = this.isPaused ? `paused, ${count(this.waiting())} waiting` : this.follows ? "following" : "not following";
    setText(this.status, `${count(this.shown.length)} of ${count(entries.length)} shown, ${standing}`);
  }

  /** Scrolled to the end, the list follows the newest. */
  scrolled() {
    const { scrollTop, clientHeight, scrollHeight } = this.node;
    this.follows = scrollTop + clientHeight > scrollHeight - this.height / 2 && (this.follows || scrollTop > this.top);
    this.top = scrollTop;
    this.schedule();
  }

  /** @param {MouseEvent} event */
  clicked(event) {
    const id = /** @type {Element} */ (event.target).closest(".event")?.id;
    this.activate(this.shown.findIndex(({ key }) => `event-${key}` === id));
    this.openActive();
  }

  /** @param {number} index */
  activate(index) {
    this.active = Math.max(0, Math.min(this.shown.length - 1, index));
    this.follows = this.active === this.shown.length - 1;
    const top = this.active * this.height;
    const room = this.node.clientHeight - this.head.offsetHeight - this.height;
    this.node.scrollTop = Math.max(top - room, Math.min(top, this.node.scrollTop));
    this.schedule();
  }

  openActive() {
    const entry = this.shown[this.active];
    if (entry && "row" in entry) this.open(entry);
  }

  /** The height of a row depends on the width. */
  measure() {
    this.height = parseFloat(getComputedStyle(this.node).getPropertyValue("--row")) || this.height;
    this.schedule();
  }

  /** @param {string} key @returns {boolean} whether the key means something here */
  press(key) {
    const page = Math.floor(this.node.clientHeight / this.height) - 2;
    const [last, at] = [this.shown.length - 1, this.active < 0 ? this.shown.length : this.active];
    /** @type {Record<string, number>} */
    const targets = { ArrowDown: at + 1, j: at + 1, ArrowUp: at - 1, k: at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: last };
    const target = targets[key];
    if (target !== undefined) this.activate(target);
    else if (key === "Enter") this.openActive();
    return target !== undefined || key === "Enter";
  }
}

/** @param {string} name @param {Record<string, any>} [props] */
function field(name, props) {
  const input = h("input", { class: "field", type: "text", autocomplete: "off", spellcheck: "false", ...props });
  return { input, node: h("label", { class: "label" }, name, input) };
}

/** The controls over the list. @param {App} app @param {List} list @param {(id: string) => void} find */
function controls(app, list, find) {
  const { mo, dlr } = app.about.samples;
  const kinds = { "": "all", mo: "messages (mo)", dlr: "receipts (dlr)", unreadable: "no events" };
  const kind = h("select", { class: "field" }, Object.entries(kinds).map(([value, name]) => h("option", { value }, name)));
  const names = h("datalist", { id: "event-words" }, [...mo, ...dlr].map((value) => h("option", { value })));
  const filters = [field("Type or status", { list: "event-words" }), field("Application"), field("Contact or reference")];
  const filter = () => list.setFilter([kind, ...filters.map(({ input }) => input)].map(({ value }) => value));
  const search = field("Find by id", { type: "search" });
  const toggle = () => {
    list.isPaused = !list.isPaused;
    set(pause, { "aria-pressed": String(list.isPaused) });
    list.schedule();
  };
  const pause = h("button", { type: "button", class: "btn", "aria-pressed": "false", onclick: toggle }, "Pause");
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    if (search.input.value.trim()) find(search.input.value.trim());
  };
  const node = h("div", { class: "events-controls" },
    h("form", { onsubmit: submit, role: "search" }, search.node),
    h("div", { class: "row", role: "group", "aria-label": "Filter", oninput: filter }, h("label", { class: "label" }, "Kind", kind), filters.map(({ node }) => node), names),
    h("div", { class: "row" }, pause, h("button", { type: "button", class: "btn", onclick: () => list.press("End") }, "Newest"), list.status));
  return { node, toggle, search: search.input };
}

/** The panel of the opened message. @param {HTMLElement} root @param {App} app @param {List} list */
function panelOf(root, app, list) {
  const box = h("article", { class: "message" });
  const panel = h("section", { class: "card panel", hidden: true, "aria-label": "Message", tabindex: "-1" }, h("div", null, button("Close", () => hide())), box);
  let end = () => {};
  const show = (/** @type {import("./message.js").Asked} */ asked) => {
    end();
    panel.hidden = false;
    root.classList.add("events-split");
    end = openMessage(box, app, asked);
    panel.scrollTop = 0;
    panel.focus();
  };
  const hide = () => {
    end();
    panel.hidden = true;
    root.classList.remove("events-split");
    list.node.focus();
  };
  return { panel, show, hide, end: () => end() };
}

/** Whether a key is meant for something else. @param {KeyboardEvent} event */
function isElsewhere(event) {
  const within = event.key === "Escape" ? "dialog" : "input, select, textarea, dialog";
  return event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || /** @type {Element} */ (event.target).closest(within) !== null;
}

/** @type {import("../api.js").View} */
export const view = {
  name: "events",
  title: "Events",
  key: "e",
  keys: [["/", "Find by id"], ["j k", "Next, previous event"], ["Enter", "Open the event"], ["Escape", "Close it"], ["p", "Pause"]],
  mount(root, app) {
    const box = h("div", { class: "events" });
    const list = new List(app, (entry) => show({ id: entry.row.id, entry }));
    const { panel, show, hide, end } = panelOf(box, app, list);
    const { node, toggle, search } = controls(app, list, (id) => show({ id }));
    const problem = h("p", { class: "notice", role: "alert", hidden: true });
    const press = (/** @type {KeyboardEvent} */ event) => {
      const { key } = event;
      if (isElsewhere(event)) return;
      if (key === "Escape" && !panel.hidden) hide();
      else if (key === "/") search.focus();
      else if (key.toLowerCase() === "p") toggle();
      else if ((key !== "j" && key !== "k" && document.activeElement !== list.node) || !list.press(key)) return;
      event.preventDefault();
    };
    const connect = () => {
      problem.hidden = app.store.connection.problem === "";
      setText(problem, app.store.connection.problem);
    };
    fill(box, node, problem, h("div", { class: "events-halves" }, list.node, panel));
    root.append(h("h1", { class: "unseen" }, "Events"), box);
    document.addEventListener("keydown", press);
    const size = new ResizeObserver(() => list.measure());
    size.observe(list.node);
    const ends = [end, app.store.subscribe(() => list.schedule()), app.store.watch(connect), app.reveal.subscribe(() => list.schedule())];
    connect();
    return () => {
      document.removeEventListener("keydown", press);
      size.disconnect();
      cancelAnimationFrame(list.frame);
      for (const stop of ends) stop();
    };
  },
};
