/** @file The events as they come: a list of which only the visible rows are in the page. */

import { fill, h, set, setText } from "../dom.js";
import { count, time } from "../format.js";
import { kindOf } from "../store.js";
import { openMessage, visible } from "./message.js";

/** @typedef {import("../api.js").App} App */
/** @typedef {import("../store.js").Row} Row */
/** @typedef {import("../store.js").Entry} Entry */
/** @typedef {import("../store.js").RowEntry} RowEntry */
/** @typedef {{kind: string, what: string, application: string, contact: string}} Filter */
/** @typedef {{node: HTMLElement, cells: HTMLElement[], key: number, version: string}} Line */

const COLUMNS = ["time", "kind", "type or status", "from → to, or reference", "text", "marks"];
const TEXT = 200;
const MOST_REVEALED = 1000;
const AT_ONCE = 6;

/** A number as the server masks it. @param {string} number */
function masked(number) {
  const head = number.startsWith("+") ? 3 : 2;
  return number.length >= head + 5 ? `${number.slice(0, head)}…${number.slice(-2)}` : number;
}

/** What a row may hold for a contact: as typed, or as it is masked. @param {string} typed */
function contactForms(typed) {
  const number = typed.replace(/[\s()-]/g, "").replace(/^00/, "+");
  if (!/^\+?\d{7,}$/.test(number)) return [typed.trim().toLowerCase()].filter(Boolean);
  const digits = number.replace("+", "");
  return [digits, masked(digits), masked(`+${digits}`)];
}

/** @param {Filter} filter @returns {(entry: Entry) => boolean} */
function matcher({ kind, what, application, contact }) {
  const forms = contactForms(contact);
  const has = (/** @type {string | undefined} */ text, /** @type {string} */ part) => (text ?? "").toLowerCase().includes(part.trim().toLowerCase());
  return (entry) => {
    if ("divider" in entry) return true;
    const { row } = entry;
    if (kind && kindOf(row) !== kind) return false;
    if (!has(row.type ?? row.status, what) || !has(row.application, application)) return false;
    return forms.length === 0 || forms.some((form) => [row.source, row.destination, row.reference].some((value) => has(value, form)));
  };
}

/** @param {Row} row */
function ends(row) {
  const between = [row.source, row.destination].filter(Boolean).join(" → ");
  return between || row.reference || row.id || "";
}

/** @param {Row} row */
function words(row) {
  if (row.unreadable !== undefined) return `${row.unreadable} ${row.text ?? ""}`;
  const { delivery } = row;
  const state = delivery && `now ${delivery.current}, ${delivery.final ? "final" : "not final"}${delivery.overtaken ? ", overtaken" : ""}`;
  const reference = row.source && row.reference ? `re ${row.reference}` : "";
  return [row.about, row.text, row.detail, state, reference, row.dataref && "body in the bucket"].filter(Boolean).join("  ");
}

/** @param {Row} row */
function marks(row) {
  return [row.variant && "variant", row.replay && "replay", row.again && "again"].filter(Boolean).join(" ");
}

/** What the cells of a row say. @param {Row} row */
function cells(row) {
  const kind = kindOf(row);
  const what = row.type ?? row.status ?? (kind === "unreadable" ? "" : "binary");
  return [time(row.received_at ?? row.shown_at), kind === "unreadable" ? "no event" : kind, what, ends(row), words(row), marks(row)];
}

/** Reveals rows that can be seen, a few at a time. */
class Revealer {
  /** @param {App} app @param {() => void} changed */
  constructor(app, changed) {
    this.app = app;
    this.changed = changed;
    /** @type {Map<number, Row | null>} by key */
    this.rows = new Map();
    this.asking = 0;
  }

  /** The revealed row, if it is known. If not, it is asked for. @param {RowEntry} entry @returns {Row} */
  row(entry) {
    if (!this.app.reveal.on) return entry.row;
    const known = this.rows.get(entry.key);
    if (known === undefined && this.asking < AT_ONCE && this.app.store.isCurrent(entry)) void this.ask(entry);
    return known ?? entry.row;
  }

  /** @param {RowEntry} entry */
  async ask(entry) {
    this.asking++;
    this.rows.set(entry.key, null);
    const row = await this.app.api.get(`/api/rows/${entry.row.seq}`).catch(() => null);
    this.asking--;
    this.rows.set(entry.key, row && { ...row, data: null });
    for (const key of this.rows.keys()) if (this.rows.size > MOST_REVEALED) this.rows.delete(key);
    this.changed();
  }
}

/** The list: a grid whose rows have a fixed height. */
class List {
  /** @param {App} app @param {(entry: RowEntry) => void} open */
  constructor(app, open) {
    this.app = app;
    this.open = open;
    /** @type {Entry[]} what passes the filter */
    this.shown = [];
    this.matches = matcher({ kind: "", what: "", application: "", contact: "" });
    this.isPaused = false;
    this.follows = true;
    this.top = 0;
    this.lastKey = 0;
    this.active = -1;
    this.frame = 0;
    this.height = 28;
    /** @type {Line[]} */
    this.lines = [];
    this.body = h("div", { class: "events-body", role: "rowgroup" });
    this.head = h("div", { class: "event event-head", role: "row" }, COLUMNS.map((name) => h("span", { role: "columnheader" }, name)));
    this.node = h("div", { class: "events-list", role: "grid", tabindex: "0", "aria-label": "Events", "aria-readonly": "true", onscroll: () => this.scrolled(), onclick: (/** @type {MouseEvent} */ event) => this.clicked(event) },
      h("div", { role: "rowgroup", class: "events-head" }, this.head), this.body);
    this.revealer = new Revealer(app, () => this.schedule());
    this.status = h("p", { class: "muted", role: "status" });
  }

  /** Draws with the next frame. */
  schedule() {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
    });
  }

  /** @param {Filter} filter */
  setFilter(filter) {
    const entry = this.shown[this.active];
    this.matches = matcher(filter);
    const entries = this.isPaused ? this.app.store.entries.filter(({ key }) => key <= this.lastKey) : this.app.store.entries;
    this.shown = entries.filter(this.matches);
    this.lastKey = entries.at(-1)?.key ?? this.lastKey;
    this.active = entry ? this.shown.indexOf(entry) : -1;
    this.schedule();
  }

  /** @param {boolean} isPaused */
  pause(isPaused) {
    this.isPaused = isPaused;
    this.schedule();
  }

  /** Takes what the store has and the list has not. */
  update() {
    const { entries } = this.app.store;
    let from = entries.length;
    while (from > 0 && /** @type {Entry} */ (entries[from - 1]).key > this.lastKey) from--;
    this.lastKey = entries.at(-1)?.key ?? this.lastKey;
    const first = entries[0]?.key ?? 0;
    const kept = this.shown.findIndex(({ key }) => key >= first);
    this.dropFirst(kept < 0 ? this.shown.length : kept);
    for (const entry of entries.slice(from)) if (this.matches(entry)) this.shown.push(entry);
  }

  /** Without moving what is seen. @param {number} dropped */
  dropFirst(dropped) {
    if (dropped === 0) return;
    this.shown.splice(0, dropped);
    this.active = Math.max(-1, this.active - dropped);
    if (!this.follows) this.node.scrollTop -= dropped * this.height;
  }

  draw() {
    if (!this.isPaused) this.update();
    const size = `${this.shown.length * this.height}px`;
    if (this.body.style.height !== size) this.body.style.height = size;
    if (this.follows && !this.isPaused) this.node.scrollTop = this.node.scrollHeight;
    const first = Math.max(0, Math.floor(this.node.scrollTop / this.height) - 2);
    const amount = Math.min(this.shown.length - first, Math.ceil(this.node.clientHeight / this.height) + 4);
    this.drawRows(first, Math.max(0, amount));
    this.drawStatus();
  }

  /** @param {number} first @param {number} amount */
  drawRows(first, amount) {
    while (this.lines.length < amount) this.lines.push(this.newLine());
    for (const line of this.lines.splice(amount)) line.node.remove();
    this.lines.forEach((line, offset) => this.drawRow(line, first + offset));
    set(this.node, { "aria-rowcount": this.shown.length + 1 });
    const active = this.shown[this.active];
    set(this.node, { "aria-activedescendant": active && this.lines.some(({ key }) => key === active.key) ? `event-${active.key}` : null });
  }

  /** @returns {Line} */
  newLine() {
    const cells = COLUMNS.map(() => h("bdi", { role: "gridcell" }));
    const node = h("div", { class: "event", role: "row" }, cells);
    this.body.append(node);
    return { node, cells, key: 0, version: "" };
  }

  /** @param {Line} line @param {number} index */
  drawRow(line, index) {
    const entry = /** @type {Entry} */ (this.shown[index]);
    const isDivider = "divider" in entry;
    const row = isDivider ? null : this.revealer.row(entry);
    const isActive = index === this.active;
    const version = `${entry.key} ${index} ${isActive} ${row !== null && !isDivider && row !== entry.row} ${this.height}`;
    if (line.version === version) return;
    line.version = version;
    line.key = entry.key;
    line.node.style.transform = `translateY(${index * this.height}px)`;
    set(line.node, { id: `event-${entry.key}`, "aria-rowindex": index + 2, "aria-selected": String(isActive), class: isDivider ? "event event-divider" : `event event-${kindOf(entry.row)}` });
    const texts = isDivider ? ["", "", "", "", entry.divider, ""] : cells(/** @type {Row} */ (row));
    line.cells.forEach((cell, column) => setText(cell, visible((texts[column] ?? "").slice(0, TEXT).replace(/\s+/g, " "))));
  }

  drawStatus() {
    const { entries } = this.app.store;
    const waiting = this.isPaused ? entries.filter((entry) => entry.key > this.lastKey).length : 0;
    const total = this.isPaused ? "" : ` of ${count(entries.length)}`;
    setText(this.status, `${this.isPaused ? `Paused, ${count(waiting)} waiting. ` : ""}${count(this.shown.length)}${total} shown${this.follows ? "" : ", not following the newest"}.`);
  }

  scrolled() {
    const { scrollTop, clientHeight, scrollHeight } = this.node;
    this.follows = scrollTop + clientHeight > scrollHeight - this.height / 2 && (this.follows || scrollTop > this.top);
    this.top = scrollTop;
    this.schedule();
  }

  /** @param {MouseEvent} event */
  clicked(event) {
    const node = /** @type {Element} */ (event.target).closest(".events-body > .event");
    const line = this.lines.find((line) => line.node === node);
    if (!line) return;
    this.activate(this.shown.findIndex(({ key }) => key === line.key));
    this.openActive();
  }

  /** @param {number} index */
  activate(index) {
    this.active = Math.max(0, Math.min(this.shown.length - 1, index));
    this.follows = this.active === this.shown.length - 1;
    const top = this.active * this.height;
    const room = this.node.clientHeight - this.head.offsetHeight - this.height;
    if (top < this.node.scrollTop) this.node.scrollTop = top;
    else if (top > this.node.scrollTop + room) this.node.scrollTop = top - room;
    this.schedule();
  }

  openActive() {
    const entry = this.shown[this.active];
    if (entry && !("divider" in entry)) this.open(entry);
  }

  /** @param {number} by */
  move(by) {
    this.activate(this.active < 0 ? this.shown.length - 1 : this.active + by);
  }

  newest() {
    this.follows = true;
    this.node.scrollTop = this.node.scrollHeight;
    this.schedule();
  }

  /** The height of a row, which depends on the width. */
  measure() {
    this.height = parseFloat(getComputedStyle(this.node).getPropertyValue("--row")) || 28;
    this.schedule();
  }

  /** @param {string} key @returns {boolean} whether the key means something here */
  key(key) {
    const page = Math.max(1, Math.floor(this.node.clientHeight / this.height) - 2);
    /** @type {Record<string, () => void>} */
    const keys = {
      ArrowDown: () => this.move(1), j: () => this.move(1), ArrowUp: () => this.move(-1), k: () => this.move(-1),
      PageDown: () => this.move(page), PageUp: () => this.move(-page),
      Home: () => this.activate(0), End: () => (this.newest(), this.activate(this.shown.length - 1)),
      Enter: () => this.openActive(),
    };
    keys[key]?.();
    return key in keys;
  }
}

/** The controls over the list. @param {App} app @param {List} list @param {(id: string) => void} find */
function controls(app, list, find) {
  const field = (/** @type {string} */ name, /** @type {Record<string, any>} */ props) => h("label", { class: "label" }, name, h("input", { class: "field", type: "text", autocomplete: "off", spellcheck: "false", ...props }));
  const kind = h("select", { class: "field" }, [["", "all"], ["mo", "messages (mo)"], ["dlr", "receipts (dlr)"], ["unreadable", "no events"]].map(([value, name]) => h("option", { value }, name)));
  const names = h("datalist", { id: "event-words" }, [...app.about.samples.mo, ...app.about.samples.dlr].map((value) => h("option", { value })));
  const filters = [field("Type or status", { list: "event-words" }), field("Application", {}), field("Contact or reference", {})];
  const value = (/** @type {number} */ index) => filters[index]?.querySelector("input")?.value ?? "";
  const filter = () => list.setFilter({ kind: kind.value, what: value(0), application: value(1), contact: value(2) });
  const search = field("Find by id", { type: "search" });
  const pause = h("button", { type: "button", class: "btn", "aria-pressed": "false", "aria-keyshortcuts": "p", onclick: () => toggle() }, "Pause");
  const toggle = () => {
    list.pause(!list.isPaused);
    set(pause, { "aria-pressed": String(list.isPaused) });
    app.announce(list.isPaused ? "Paused" : "Going on");
  };
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    const id = search.querySelector("input")?.value.trim();
    if (id) find(id);
  };
  const node = h("div", { class: "events-controls" },
    h("form", { onsubmit: submit, role: "search" }, search),
    h("div", { class: "events-filters", role: "group", "aria-label": "Filter", oninput: filter }, h("label", { class: "label" }, "Kind", kind), filters, names),
    h("div", { class: "row" }, pause, h("button", { type: "button", class: "btn", onclick: () => list.newest() }, "Newest"), list.status));
  return { node, toggle, focusSearch: () => search.querySelector("input")?.focus() };
}

/** Whether a key is typed into something. @param {KeyboardEvent} event */
function isTyped(event) {
  const target = /** @type {Element} */ (event.target);
  return event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || target.closest("input, select, textarea, dialog") !== null;
}

/** The panel of the opened message. @param {HTMLElement} root @param {App} app @param {List} list */
function panelOf(root, app, list) {
  const box = h("article", { class: "message" });
  const close = h("button", { type: "button", class: "btn", "aria-keyshortcuts": "Escape" }, "Close");
  const panel = h("section", { class: "card panel", hidden: true, "aria-label": "Message", tabindex: "-1" }, close, box);
  let end = () => {};
  const hide = () => {
    if (panel.hidden) return false;
    end();
    end = () => {};
    panel.hidden = true;
    root.classList.remove("events-split");
    list.node.focus();
    list.measure();
    return true;
  };
  close.addEventListener("click", hide);
  const show = (/** @type {import("./message.js").Asked} */ asked) => {
    end();
    panel.hidden = false;
    root.classList.add("events-split");
    end = openMessage(box, app, asked);
    panel.scrollTop = 0;
    panel.focus();
    list.measure();
  };
  return { node: panel, show, hide, end: () => end() };
}

/** @type {import("../api.js").View} */
export const view = {
  name: "events",
  title: "Events",
  key: "e",
  mount(root, app) {
    const list = new List(app, (entry) => panel.show({ id: entry.row.id, entry }));
    const box = h("div", { class: "events" });
    const panel = panelOf(box, app, list);
    const { node, toggle, focusSearch } = controls(app, list, (id) => panel.show({ id }));
    const problem = h("p", { class: "notice", role: "alert", hidden: true });
    const pressed = (/** @type {KeyboardEvent} */ event) => {
      if (event.key === "Escape" && !event.defaultPrevented && !document.querySelector("dialog[open]") && panel.hide()) return event.preventDefault();
      if (isTyped(event)) return;
      if (event.key === "/") focusSearch();
      else if (event.key === "p" || event.key === "P") toggle();
      else if (!(document.activeElement === list.node || event.key === "j" || event.key === "k") || !list.key(event.key)) return;
      event.preventDefault();
    };
    const connected = () => {
      set(problem, { hidden: app.store.connection.problem === "" });
      setText(problem, app.store.connection.problem);
    };
    fill(box, node, problem, h("div", { class: "events-halves" }, list.node, panel.node));
    root.append(h("h1", { class: "unseen" }, "Events"), box);
    document.addEventListener("keydown", pressed);
    const size = new ResizeObserver(() => list.measure());
    size.observe(list.node);
    const ends = [app.store.subscribe(() => list.schedule()), app.store.watch(connected), app.reveal.subscribe(() => list.schedule())];
    connected();
    return () => {
      document.removeEventListener("keydown", pressed);
      size.disconnect();
      cancelAnimationFrame(list.frame);
      panel.end();
      for (const end of ends) end();
    };
  },
};
