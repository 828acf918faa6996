/** @file What the page knows: the live rows, what is counted of them, and the last status. */

import { textOf } from "./api.js";
import { plural } from "./format.js";

/**
 * A row of the live stream: what `wab listen --json` prints of an event, without its `data`.
 * @typedef {object} Row
 * @property {number} seq
 * @property {number} shown_at milliseconds since the epoch
 * @property {boolean} again it was published before
 * @property {string} event_id
 * @property {"mo" | "dlr"} kind
 * @property {string} received_at
 * @property {string} application
 * @property {string} id
 * @property {string} [variant]
 * @property {boolean} replay
 * @property {string} [dataref]
 * @property {string} [type]
 * @property {string} [source]
 * @property {string} [destination]
 * @property {string} [about]
 * @property {string} [text]
 * @property {string} [reply_to]
 * @property {string} [reference]
 * @property {string} [status]
 * @property {string} [detail]
 * @property {{current: string, final: boolean, overtaken: boolean}} [delivery]
 * @property {string} [unreadable] why it is no event
 * @property {number} [bytes]
 */

/**
 * What the list holds: a row, or a line between rows that says why some are missing. `key` is never used twice.
 * @typedef {{key: number, run: string, row: Row}} RowEntry
 * @typedef {{key: number, divider: string}} DividerEntry
 * @typedef {RowEntry | DividerEntry} Entry
 */

/**
 * @typedef {object} Connection
 * @property {"connecting" | "live" | "lost" | "refused"} state
 * @property {string} queue
 * @property {number} waiting events that waited when it connected
 * @property {string} problem a sentence, or nothing
 */

/** @typedef {{added: Entry[], removed: number}} Change `removed` entries are gone from the beginning */
/** @typedef {"mo" | "dlr" | "unreadable"} Counted */

const MOST_ROWS = 10_000;
const SECONDS = 60;

/** @param {Row} row @returns {Counted} */
export function kindOf(row) {
  return row.unreadable === undefined ? row.kind : "unreadable";
}

export class Store {
  constructor() {
    /** @type {Entry[]} oldest first */
    this.entries = [];
    /** @type {Connection} */
    this.connection = { state: "connecting", queue: "", waiting: 0, problem: "" };
    /** Rows since the page was opened, those of the server's memory included. @type {Record<Counted, number>} */
    this.total = { mo: 0, dlr: 0, unreadable: 0 };
    this.run = "";
    this.seq = 0;
    this.nextKey = 1;
    /** @type {Map<number, Record<Counted, number>>} by second */
    this.seconds = new Map();
    /** @type {Set<(change: Change) => void>} */
    this.listeners = new Set();
    /** @type {Set<(connection: Connection) => void>} */
    this.watchers = new Set();
  }

  /** Follows the stream. @param {import("./api.js").Api} api @returns {() => void} ends it */
  follow(api) {
    const lost = (/** @type {import("./api.js").Problem} */ problem) =>
      this.connect({ state: problem.status === 401 ? "refused" : "lost", problem: problem.message });
    return api.live(
      () => this.seq,
      (line) => this.take(line),
      lost,
    );
  }

  /**
   * Is called with each change of the list.
   * @param {(change: Change) => void} listener
   * @returns {() => void} ends it
   */
  subscribe(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /**
   * Is called with each change of the connection.
   * @param {(connection: Connection) => void} watcher
   * @returns {() => void} ends it
   */
  watch(watcher) {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }

  /** Whether the server may still have the row, to reveal it. @param {RowEntry} entry */
  isCurrent(entry) {
    return entry.run === this.run;
  }

  /** The average of the last five whole seconds. @param {Counted} kind */
  perSecond(kind) {
    return (
      this.history(kind)
        .slice(-5)
        .reduce((sum, amount) => sum + amount, 0) / 5
    );
  }

  /** Rows of each of the last 60 whole seconds, oldest first. @param {Counted} kind @returns {number[]} */
  history(kind) {
    const now = Math.floor(Date.now() / 1000);
    return Array.from({ length: SECONDS }, (_, index) => this.seconds.get(now - SECONDS + index)?.[kind] ?? 0);
  }

  /** A line of the stream. @param {any} line */
  take(line) {
    if (line.connected) this.connected(line.connected);
    else if (line.rows) this.add(line.rows);
    else if (line.dropped)
      this.push([this.divider(`${plural(line.dropped, "event")} not shown: they came faster than this page reads`)]);
    else if (line.problem) this.connect({ state: "lost", problem: line.problem });
  }

  /** @param {{queue: string, waiting: number, run: string}} connected */
  connected({ queue, waiting, run }) {
    if (this.run !== "" && run !== this.run) {
      this.seq = 0;
      this.push([this.divider("The console was restarted")]);
    }
    this.run = run;
    this.connect({ state: "live", queue, waiting, problem: "" });
  }

  /** @param {Partial<Connection>} change */
  connect(change) {
    this.connection = { ...this.connection, ...change };
    for (const watcher of this.watchers) watcher(this.connection);
  }

  /** @param {Row[]} rows */
  add(rows) {
    for (const row of rows) this.countRow(row);
    this.seq = rows.at(-1)?.seq ?? this.seq;
    this.push(rows.map((row) => ({ key: this.nextKey++, run: this.run, row })));
    if (this.connection.state === "lost") this.connect({ state: "live", problem: "" });
  }

  /** @param {Row} row */
  countRow(row) {
    const second = Math.floor(row.shown_at / 1000);
    const counted = this.seconds.get(second) ?? { mo: 0, dlr: 0, unreadable: 0 };
    counted[kindOf(row)] += 1;
    this.total[kindOf(row)] += 1;
    this.seconds.set(second, counted);
    for (const old of this.seconds.keys()) {
      if (old >= second - 2 * SECONDS) break;
      this.seconds.delete(old);
    }
  }

  /** @param {string} text @returns {DividerEntry} */
  divider(text) {
    return { key: this.nextKey++, divider: text };
  }

  /** @param {Entry[]} added */
  push(added) {
    this.entries.push(...added);
    const removed = Math.max(0, this.entries.length - MOST_ROWS);
    this.entries.splice(0, removed);
    for (const listener of this.listeners) listener({ added, removed });
  }
}

/** @typedef {"ok" | "skipped" | "over" | "unknown" | "warning" | "problem"} Verdict */

/**
 * @typedef {object} Amount
 * @property {{last_15_minutes: number, last_24_hours: number}} [counted]
 * @property {number} [waiting]
 * @property {{now: number, at_most: number}} [seconds]
 */

/**
 * @typedef {object} Signal
 * @property {string} name
 * @property {Verdict} verdict
 * @property {Amount | "unknown"} amount
 * @property {string} [since]
 * @property {string | null} [until]
 * @property {string} meaning
 * @property {string} shows
 * @property {string | null} mends
 * @property {string} alarm
 */

/**
 * What `wab status --json` prints.
 * @typedef {object} StatusReport
 * @property {string} at
 * @property {string | null} version
 * @property {{kind: string, last_15_minutes: number, last_24_hours: number}[]} received
 * @property {{outcome: string, last_15_minutes: number, last_24_hours: number}[]} callbacks
 * @property {string | null} last_accepted
 * @property {Signal[]} signals
 * @property {{name: string, is_firing: boolean, since: string | null, description: string}[]} alarms
 * @property {string[]} unread
 * @property {number} seconds
 */

const BAD = ["warning", "problem"];

/** Whether it is wrong now. @param {{verdict: string}} judged */
export function isBad(judged) {
  return BAD.includes(judged.verdict);
}

/**
 * What is wrong now, worst first. An alarm that fires without its signal is one, too.
 * @param {StatusReport} report
 * @returns {Signal[]}
 */
export function troubles(report) {
  const bad = report.signals.filter(isBad);
  const firing = report.alarms.filter((alarm) => alarm.is_firing && !bad.some((signal) => signal.alarm === alarm.name));
  const all = [...bad, ...firing.map(signalOf)];
  return all.sort((one, other) => BAD.indexOf(other.verdict) - BAD.indexOf(one.verdict));
}

/** @param {StatusReport["alarms"][number]} alarm @returns {Signal} */
function signalOf(alarm) {
  const meaning = alarm.description.split(" Runbook:")[0];
  const since = alarm.since ?? undefined;
  return {
    name: `alarm ${alarm.name}`,
    verdict: "problem",
    amount: {},
    since,
    meaning,
    shows: `wab status ${alarm.name}`,
    mends: null,
    alarm: alarm.name,
  };
}

/** Asks for `wab status` again and again, except while nobody looks. */
export class Status {
  /** @param {import("./api.js").Api} api @param {number} seconds between two reports */
  constructor(api, seconds) {
    this.api = api;
    this.seconds = seconds;
    /** @type {StatusReport | null} */
    this.report = null;
    /** Why there is no new report, or nothing. */
    this.problem = "";
    /** @type {Set<() => void>} */
    this.listeners = new Set();
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    this.busy = false;
  }

  /** @param {() => void} listener @returns {() => void} ends it */
  subscribe(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  start() {
    document.addEventListener("visibilitychange", () => void this.refresh());
    void this.refresh();
  }

  async refresh() {
    clearTimeout(this.timer);
    if (document.hidden || this.busy) return;
    this.busy = true;
    await this.read();
    this.busy = false;
    for (const listener of this.listeners) listener();
    this.timer = setTimeout(() => void this.refresh(), this.seconds * 1000);
  }

  async read() {
    try {
      const { json, err } = await this.api.run(["status"]);
      this.report = json ?? this.report;
      this.problem = json ? "" : err.trim();
    } catch (error) {
      this.problem = textOf(error);
    }
  }
}
