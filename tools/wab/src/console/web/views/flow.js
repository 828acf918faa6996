/** @file The way of a callback through the stack, with what is counted, what waits and what is wrong at each step. */

import { SHAPES, copyable, fill, h, load, s, set, setText, verdictOf } from "../dom.js";
import { ago, count, rate, span, time } from "../format.js";
import { isBad, troubles } from "../store.js";

/** @typedef {import("../api.js").App} App */
/** @typedef {import("../store.js").Signal} Signal */
/** @typedef {import("../store.js").StatusReport} StatusReport */
/** @typedef {import("../store.js").Store} Store */

/**
 * @typedef {object} BoxDefinition
 * @property {string} name
 * @property {string} [href] the view that shows what is in it; without it, the box's own signals
 * @property {string[]} [alarms] of the signals that belong to it
 * @property {boolean} [waits] events or bodies wait in it
 * @property {(numbers: Numbers) => string} figure
 * @property {(numbers: Numbers) => string[]} notes
 */

const NOT_NEW = ["duplicate", "variant"];
const ANSWERED_200 = ["stored", ...NOT_NEW, "deferred"];
const CODES = ["401", "403", "413", "429", "5xx"];
/** The signals of these codes. */
const REFUSED = ["unauthorized", "forbidden", "too large", "rate limited", "unanswered"];

/** What the boxes show: numbers of the last status, and of the live rows. */
class Numbers {
  /** @param {StatusReport} report @param {Store} store */
  constructor(report, store) {
    this.report = report;
    this.store = store;
  }

  /** Callbacks of an outcome. @param {string} outcome */
  outcome(outcome) {
    return pair(this.report.callbacks.find((callbacks) => callbacks.outcome === outcome));
  }

  /** Callbacks that reached their function. @param {"mo" | "dlr"} kind */
  received(kind) {
    return pair(this.report.received.find((received) => received.kind === kind));
  }

  /** What a signal counts. @param {string} name */
  signal(name) {
    return pair(this.amount(name)?.counted);
  }

  /** What waits, or `?`. @param {string} name */
  waiting(name) {
    const waiting = this.amount(name)?.waiting;
    return waiting === undefined ? "?" : count(waiting);
  }

  /** @param {string} name */
  amount(name) {
    const amount = this.report.signals.find((signal) => signal.name === name)?.amount;
    return amount === "unknown" ? undefined : amount;
  }

  accepted() {
    return sum(ANSWERED_200.map((outcome) => this.outcome(outcome)));
  }

  refused() {
    return sum(REFUSED.map((name) => this.signal(name)));
  }

  answered() {
    return sum([this.accepted(), this.refused(), this.outcome("quarantined")]);
  }

  givenUp() {
    return sum([this.signal("failed notifications, mo"), this.signal("failed notifications, dlr")]);
  }
}

/** @typedef {{recent: number, day: number}} Pair in 15 minutes and in 24 hours */

/** @param {{last_15_minutes: number, last_24_hours: number} | undefined} counted @returns {Pair} */
function pair(counted) {
  return { recent: counted?.last_15_minutes ?? 0, day: counted?.last_24_hours ?? 0 };
}

/** @param {Pair[]} pairs @returns {Pair} */
function sum(pairs) {
  return pairs.reduce((total, pair) => ({ recent: total.recent + pair.recent, day: total.day + pair.day }), {
    recent: 0,
    day: 0,
  });
}

/** @param {Pair} pair @param {string} word */
function inTime({ recent, day }, word) {
  return [`${word} in 15 min`, `${rate(recent / 15)}/min, ${count(day)} in 24 h`];
}

/** @param {"mo" | "dlr"} kind @param {string[]} alarms @returns {BoxDefinition} */
function callbacks(kind, alarms) {
  return {
    name: kind,
    alarms,
    figure: (numbers) => count(numbers.received(kind).recent),
    notes: (numbers) => inTime(numbers.received(kind), "callbacks"),
  };
}

/** @param {"mo" | "dlr"} kind @returns {BoxDefinition} */
function topic(kind) {
  return {
    name: `SNS topic ${kind}`,
    href: "#/events",
    figure: ({ store }) => `${rate(store.perSecond(kind))}/s`,
    notes: ({ store }) => [`${count(store.total[kind])} seen here`],
  };
}

/** @type {Record<string, BoxDefinition>} */
const BOXES = {
  gateway: {
    name: "gateway",
    href: "#/act",
    alarms: ["Silence", "Variant"],
    figure: ({ report }) => (report.last_accepted ? span((Date.now() - Date.parse(report.last_accepted)) / 1000) : "–"),
    notes: ({ report }) => [
      report.last_accepted ? "since a callback was last accepted" : "no callback was accepted in 24 h",
    ],
  },
  api: {
    name: "API Gateway",
    href: "#/doctor",
    figure: (numbers) => count(numbers.answered().recent),
    notes: (numbers) => [
      ...inTime(numbers.answered(), "answered"),
      `200: ${count(numbers.accepted().recent)}`,
      `400: ${count(numbers.outcome("quarantined").recent)}`,
      ...CODES.map((code, index) => `${code}: ${count(numbers.signal(REFUSED[index]).recent)}`),
    ],
  },
  mo: callbacks("mo", ["MoErrors", "MoThrottles"]),
  dlr: callbacks("dlr", ["DlrErrors", "DlrThrottles"]),
  table: {
    name: "table",
    href: "#/conversation",
    alarms: ["Deferred"],
    figure: (numbers) => count(numbers.outcome("stored").recent),
    notes: (numbers) => [
      ...inTime(numbers.outcome("stored"), "stored"),
      ...NOT_NEW.map((outcome) => `${count(numbers.outcome(outcome).recent)} ${outcome}`),
    ],
  },
  stream: {
    name: "stream",
    alarms: ["FanoutLag", "FanoutStopped"],
    figure: (numbers) => span(numbers.amount("stream lag")?.seconds?.now ?? 0),
    notes: (numbers) => [
      "age",
      `at most ${span(numbers.amount("stream lag")?.seconds?.at_most ?? 0)}`,
      `${numbers.waiting("unpublished")} unpublished`,
    ],
  },
  fanout: {
    name: "fanout",
    alarms: ["FanoutErrors", "FanoutThrottles"],
    figure: (numbers) => count(numbers.outcome("published").recent),
    notes: (numbers) => inTime(numbers.outcome("published"), "published"),
  },
  "topic-mo": topic("mo"),
  "topic-dlr": topic("dlr"),
  refused: {
    name: "refused",
    alarms: ["Unanswered", "RateLimited", "TooLarge", "Unauthorized", "Forbidden"],
    figure: (numbers) => count(numbers.refused().recent),
    notes: (numbers) => [...inTime(numbers.refused(), "answers"), CODES.join(", ")],
  },
  quarantine: {
    name: "quarantine",
    href: "#/parked/quarantine",
    alarms: ["Quarantine"],
    waits: true,
    figure: (numbers) => count(numbers.outcome("quarantined").recent),
    notes: (numbers) => [...inTime(numbers.outcome("quarantined"), "400"), "not callbacks, kept"],
  },
  spill: {
    name: "spill queue",
    alarms: ["SpillLag"],
    waits: true,
    figure: (numbers) => numbers.waiting("spill queue"),
    notes: (numbers) => [
      "wait",
      `${count(numbers.outcome("deferred").recent)} in 15 min`,
      `${count(numbers.outcome("deferred").day)} in 24 h`,
    ],
  },
  recover: {
    name: "recover",
    alarms: ["RecoverErrors"],
    figure: (numbers) => count(numbers.outcome("recovered").recent),
    notes: (numbers) => inTime(numbers.outcome("recovered"), "recovered"),
  },
  parked: {
    name: "dead-letter queue",
    href: "#/parked",
    alarms: ["DeadLetters"],
    waits: true,
    figure: (numbers) => numbers.waiting("parked"),
    notes: (numbers) => [
      "wait",
      `${count(numbers.outcome("parked").recent)} parked in 15 min`,
      `${count(numbers.outcome("parked").day)} in 24 h`,
    ],
  },
  subscribers: {
    name: "subscribers",
    alarms: ["MoNotificationsFailed", "DlrNotificationsFailed", "FifoNotificationsFailed"],
    figure: (numbers) => count(numbers.givenUp().recent),
    notes: (numbers) => inTime(numbers.givenUp(), "SNS gave up"),
  },
};

/** @typedef {{from: string, to: string, aside?: boolean, moves: (numbers: Numbers) => boolean}} Edge */

const moves = (/** @type {("mo" | "dlr")[]} */ ...kinds) => (/** @type {Numbers} */ { store }) => kinds.some((kind) => store.perSecond(kind) > 0);
const isPublishing = moves("mo", "dlr");
const isSpilling = (/** @type {Numbers} */ numbers) => !["0", "?"].includes(numbers.waiting("spill queue"));
const never = () => false;

/** @type {Edge[]} */
const EDGES = [
  { from: "gateway", to: "api", moves: isPublishing },
  { from: "api", to: "mo", moves: moves("mo") },
  { from: "api", to: "dlr", moves: moves("dlr") },
  { from: "functions", to: "table", moves: isPublishing },
  { from: "table", to: "stream", moves: isPublishing },
  { from: "stream", to: "fanout", moves: isPublishing },
  { from: "fanout", to: "topic-mo", moves: moves("mo") },
  { from: "fanout", to: "topic-dlr", moves: moves("dlr") },
  { from: "topics", to: "subscribers", moves: isPublishing },
  { from: "api", to: "refused", aside: true, moves: never },
  { from: "functions", to: "quarantine", aside: true, moves: never },
  { from: "functions", to: "spill", aside: true, moves: isSpilling },
  { from: "spill", to: "recover", aside: true, moves: isSpilling },
  { from: "recover", to: "table", aside: true, moves: isSpilling },
  { from: "fanout", to: "parked", aside: true, moves: never },
  { from: "recover", to: "parked", aside: true, moves: never },
];

/** @param {Signal} signal */
function amountOf({ amount }) {
  if (amount === "unknown") return "unknown";
  if (amount.counted)
    return `${count(amount.counted.last_15_minutes)} in 15 min, ${count(amount.counted.last_24_hours)} in 24 h`;
  if (amount.waiting !== undefined) return `${count(amount.waiting)} waiting`;
  return amount.seconds ? `${span(amount.seconds.now)} now, at most ${span(amount.seconds.at_most)}` : "";
}

/** @param {{since?: string, until?: string | null}} spell */
function spellOf({ since, until }) {
  if (!since) return "";
  return until ? `from ${time(since)} until ${time(until)}` : `since ${time(since)} (${ago(since)})`;
}

/** A step of the way: a link, updated in place. */
class Box {
  /** @param {string} id */
  constructor(id) {
    this.id = id;
    this.definition = BOXES[id];
    this.figure = h("span", { class: "box-figure" }, "–");
    this.notes = h("span", { class: "box-note" });
    this.verdict = h("span", { class: "box-verdict" });
    this.judged = "";
    this.shown = "";
    const href = this.definition.href ?? `#/flow/${id}`;
    this.element = h(
      "a",
      { href },
      h("span", { class: "box-name" }, this.definition.name),
      this.figure,
      this.notes,
      this.verdict,
    );
    this.dress("");
  }

  /** @param {string} kind */
  dress(kind) {
    this.element.className = `box ${this.definition.waits ? "box-queue" : ""} ${kind}`;
  }

  /** @param {Numbers} numbers @param {Signal[]} bad */
  update(numbers, bad) {
    setText(this.figure, this.definition.figure(numbers));
    const notes = this.definition.notes(numbers);
    if (notes.join("\n") !== this.shown)
      fill(
        this.notes,
        notes.map((note) => h("div", null, note)),
      );
    this.shown = notes.join("\n");
    this.judge(bad.find((signal) => this.definition.alarms?.includes(signal.alarm)));
  }

  /** @param {Signal | undefined} signal */
  judge(signal) {
    const judged = signal ? `${signal.name} ${signal.verdict}` : "";
    if (this.judged === judged) return;
    this.judged = judged;
    this.dress(signal ? `box-${signal.verdict}` : "");
    fill(this.verdict, signal && [verdictOf(signal.verdict), h("div", { class: "box-note" }, signal.meaning)]);
  }
}

/**
 * @param {DOMRect} one
 * @param {DOMRect} other
 * @param {boolean} isWide
 * @returns {[number, number][]} the corners of a line between two boxes
 */
function corners(one, other, isWide) {
  const middle = (/** @type {DOMRect} */ box) =>
    /** @type {[number, number]} */ ([box.left + box.width / 2, box.top + box.height / 2]);
  const [[x1, y1], [x2, y2]] = [middle(one), middle(other)];
  const right = x2 > x1 ? one.right : one.left;
  const left = x2 > x1 ? other.left : other.right;
  const bottom = y2 > y1 ? one.bottom : one.top;
  const top = y2 > y1 ? other.top : other.bottom;
  if (Math.abs(x1 - x2) < 8)
    return [
      [x1, bottom],
      [x2, top],
    ];
  if (Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top) > 30) {
    const y = one.height < other.height ? y1 : y2;
    return [
      [right, y],
      [left, y],
    ];
  }
  const [atX, atY] = [x1 + (x2 > x1 ? 0.25 : -0.25) * one.width, y1 + (y2 > y1 ? 0.25 : -0.25) * one.height];
  if (isWide)
    return [
      [atX, bottom],
      [atX, (bottom + top) / 2],
      [x2, (bottom + top) / 2],
      [x2, top],
    ];
  return [
    [right, atY],
    [(right + left) / 2, atY],
    [(right + left) / 2, y2],
    [left, y2],
  ];
}

/** The boxes, and the lines between them, which are drawn anew when the boxes move. */
class Diagram {
  constructor() {
    this.boxes = Object.keys(BOXES).map((id) => new Box(id));
    /** @type {Map<string, HTMLElement>} */
    this.places = new Map(this.boxes.map((box) => [box.id, box.element]));
    const group = (/** @type {string[]} */ ...ids) => h("div", { class: "group" }, ids.map((id) => this.places.get(id)));
    this.places.set("functions", group("mo", "dlr"));
    this.places.set("topics", group("topic-mo", "topic-dlr"));
    this.paths = EDGES.map((edge) => s("path", { class: edgeClass(edge, false), "marker-end": "url(#edge-head)" }));
    const head = s(
      "marker",
      {
        id: "edge-head",
        viewBox: "0 0 8 8",
        refX: 7,
        refY: 4,
        markerWidth: 9,
        markerHeight: 9,
        markerUnits: "userSpaceOnUse",
        orient: "auto",
      },
      s("path", { class: "edge-head", d: "M0 0 8 4 0 8z" }),
    );
    this.edges = s("svg", { class: "edges", "aria-hidden": "true" }, s("defs", null, head), this.paths);
    const areas = ["gateway", "api", "functions", "table", "stream", "fanout", "topics", "refused", "quarantine", "spill", "recover", "parked", "subscribers"];
    const items = areas.map((area) =>
      h("li", { style: { "grid-area": area, display: "grid" } }, this.places.get(area)),
    );
    this.grid = h("ul", { class: "boxes", "aria-label": "The way of a callback" }, items);
    this.element = h("div", { class: "diagram" }, this.edges, this.grid);
    this.observer = new ResizeObserver(() => this.draw());
    this.observer.observe(this.grid);
    for (const box of this.boxes) this.observer.observe(box.element);
  }

  draw() {
    const origin = this.element.getBoundingClientRect();
    const isWide = matchMedia("(min-width: 901px)").matches;
    EDGES.forEach(({ from, to }, index) => {
      const [one, other] = [from, to].map((id) =>
        /** @type {HTMLElement} */ (this.places.get(id)).getBoundingClientRect(),
      );
      const points = corners(one, other, isWide).map(
        ([x, y]) => `${(x - origin.left).toFixed(1)} ${(y - origin.top).toFixed(1)}`,
      );
      set(this.paths[index], { d: `M${points.join("L")}` });
    });
  }

  /** @param {Numbers} numbers */
  update(numbers) {
    const bad = troubles(numbers.report);
    for (const box of this.boxes) box.update(numbers, bad);
    EDGES.forEach((edge, index) => set(this.paths[index], { class: edgeClass(edge, edge.moves(numbers)) }));
  }
}

/** @param {Edge} edge @param {boolean} moves */
function edgeClass(edge, moves) {
  return `edge ${edge.aside ? "edge-aside" : ""} ${moves ? "edge-moving" : ""}`;
}

class Banner {
  constructor() {
    this.shape = h("span", { class: "banner-shape", "aria-hidden": "true" }, "…");
    this.title = h("h1", null, "Reading the status …");
    this.text = h("p", { class: "muted" }, "\u00a0");
    this.element = h(
      "div",
      { class: "banner" },
      this.shape,
      h("div", { class: "banner-words" }, this.title, this.text),
    );
  }

  /** @param {import("../store.js").Status} status */
  update({ report, problem }) {
    if (problem !== "") this.show("unknown", "The status can't be read", problem);
    else if (report) this.judge(report);
  }

  /** @param {StatusReport} report */
  judge(report) {
    const bad = troubles(report);
    const read = `read at ${time(report.at)} in ${report.seconds.toFixed(1)} s`;
    if (bad.length === 0) return this.show("ok", "Nothing to do", read);
    const names = bad.map((signal) => signal.name).join(", ");
    return this.show(bad[0].verdict, `${bad[0].verdict}: ${names}`, `${bad[0].meaning}; ${read}`);
  }

  /** @param {string} verdict @param {string} title @param {string} text */
  show(verdict, title, text) {
    this.element.className = `banner banner-${verdict}`;
    setText(this.shape, SHAPES[verdict]);
    setText(this.title, title);
    setText(this.text, text);
  }
}

/** What is wrong, or was: each with its meaning and its commands. @param {Signal} signal */
function signalCard(signal) {
  const place = Object.entries(BOXES).find(([, box]) => box.alarms?.includes(signal.alarm));
  const here =
    signal.alarm === "DeadLetters" || signal.alarm === "Quarantine"
      ? place?.[1].href
      : `#/flow/${place?.[0] ?? "api"}/${signal.alarm}`;
  const head = h(
    "h3",
    { class: "row" },
    verdictOf(signal.verdict),
    signal.name,
    h("span", { class: "muted small" }, `${amountOf(signal)} ${spellOf(signal)}`),
  );
  const shows = [h("dt", null, "show"), h("dd", null, copyable(signal.shows))];
  const mends = [
    h("dt", null, "mend"),
    h("dd", null, signal.mends ? copyable(signal.mends) : `by its reason, see docs/runbook.md, ${signal.alarm}`),
  ];
  const commands = signal.verdict === "ok" ? [] : [h("dl", { class: "pairs" }, shows, mends)];
  return h(
    "li",
    { class: "signal" },
    head,
    h("p", null, signal.meaning),
    commands,
    h("p", null, h("a", { href: here }, "Show it here")),
  );
}

/** @param {StatusReport} report */
function todo(report) {
  const [bad, over] = [
    troubles(report),
    report.signals.filter((signal) => signal.verdict === "over" || signal.verdict === "unknown"),
  ];
  const unread = report.unread.map((text) =>
    h("li", { class: "signal" }, h("p", { class: "row" }, verdictOf("unknown"), text)),
  );
  return [
    section(
      "To do",
      bad.length + unread.length > 0
        ? h("ul", null, bad.map(signalCard), unread)
        : h("p", { class: "muted" }, "Nothing is wrong now."),
    ),
    over.length > 0 && section("Wrong within 24 hours, or unknown", h("ul", null, over.map(signalCard))),
  ];
}

/** @param {string} title @param {...import("../dom.js").Child} children */
function section(title, ...children) {
  return h("section", { class: "card stack" }, h("h2", { tabindex: "-1" }, title), children);
}

/**
 * The rows of the last minute, a bar for each second.
 * @param {"mo" | "dlr" | "unreadable"} kind
 * @param {string} title
 */
function beat(kind, title) {
  const figure = h("span", { class: "muted" });
  const path = s("path", { class: `spark-${kind}` });
  const spark = s(
    "svg",
    { class: "spark", viewBox: "0 0 60 20", preserveAspectRatio: "none", "aria-hidden": "true" },
    path,
  );
  const update = (/** @type {Store} */ store) => {
    const history = store.history(kind);
    const most = Math.max(1, ...history);
    set(path, {
      d: history
        .map((amount, index) => (amount ? `M${index} 20v${(-20 * amount) / most}h.8v${(20 * amount) / most}z` : ""))
        .join(""),
    });
    setText(
      figure,
      `${rate(store.perSecond(kind))}/s, ${count(history.reduce((total, amount) => total + amount, 0))} in the last minute`,
    );
  };
  return { element: h("div", null, h("h3", { class: "row" }, title, figure), spark), update };
}

/** What `wab status ALARM` reports. @param {any} report */
function alarmReport(report) {
  const state = report.state ? (report.state.is_firing ? "is firing" : "is not firing") : "doesn't exist in this stack";
  return [
    h(
      "p",
      { class: "row" },
      verdictOf(report.verdict),
      `${report.alarm} ${state}`,
      h("span", { class: "muted" }, spellOf(report)),
    ),
    report.state && h("p", null, report.state.meaning),
    report.minutes.length > 0 &&
      h(
        "p",
        { class: "muted" },
        report.minutes
          .map((/** @type {any} */ minute) => `${time(minute.at).slice(0, -3)} ${minute.value}`)
          .join(" · "),
      ),
    h("ul", null, report.causes.map(causeItem)),
    report.is_cut && h("p", { class: "muted" }, "The log has more lines than were read."),
    h(
      "ul",
      null,
      report.findings.map((/** @type {any} */ finding) =>
        h(
          "li",
          { class: "row" },
          verdictOf(finding.verdict),
          finding.check,
          h("span", { class: "wrap" }, finding.what),
        ),
      ),
    ),
    report.unread.map((/** @type {string} */ text) => h("p", { class: "row" }, verdictOf("unknown"), text)),
    h(
      "dl",
      { class: "pairs" },
      h("dt", null, "mend"),
      h("dd", null, report.mends ? copyable(report.mends) : `by its reason, see docs/runbook.md, ${report.alarm}`),
    ),
  ];
}

/** @param {any} cause */
function causeItem(cause) {
  const ids = cause.event_ids.map((/** @type {string} */ id) =>
    h("a", { class: "mono", href: `#/message/${encodeURIComponent(id)}` }, id),
  );
  return h(
    "li",
    { class: "signal" },
    h(
      "p",
      { class: "wrap" },
      `${count(cause.count)} × ${cause.from}: ${cause.reason}, ${time(cause.first)}–${time(cause.last)}`,
    ),
    h("div", { class: "row small" }, ids),
  );
}

/**
 * One box, from near: its signals, and on demand what `wab status ALARM` says of each.
 * @param {App} app
 * @param {string} id
 * @param {string | undefined} alarm
 */
function boxPanel(app, id, alarm) {
  const definition = BOXES[id];
  const output = h("div", { class: "stack", "aria-live": "polite" });
  const look = (/** @type {string} */ name) => load(output, app.api.report(["status", name]), alarmReport);
  const button = (/** @type {string} */ name) =>
    h("button", { class: "btn btn-small", type: "button", onclick: () => void look(name) }, `wab status ${name}`);
  const alarms = definition.alarms ?? [];
  const bad = app.status.report ? troubles(app.status.report).map((signal) => signal.alarm) : [];
  const first = alarms.find((name) => name === alarm) ?? alarms.find((name) => bad.includes(name));
  if (first) void look(first);
  return section(definition.name, h("div", { class: "row" }, "Look into an alarm:", alarms.map(button)), output);
}

/** @param {HTMLElement} root @param {App} app */
function mount(root, app) {
  const [banner, diagram] = [new Banner(), new Diagram()];
  const [todos, beats] = [
    h("div", { class: "stack" }),
    [beat("mo", "Messages (mo)"), beat("dlr", "Receipts (dlr)"), beat("unreadable", "Unreadable")],
  ];
  const isBox = app.path[0] !== undefined && Object.hasOwn(BOXES, app.path[0]);
  const panel = isBox ? boxPanel(app, app.path[0], app.path[1]) : null;
  const live = section(
    "Published now",
    h(
      "div",
      { class: "beats" },
      beats.map(({ element }) => element),
    ),
  );
  root.append(h("div", { class: "stack" }, banner.element, diagram.element, panel, todos, live));
  const move = () => {
    for (const { update } of beats) update(app.store);
    if (app.status.report) diagram.update(new Numbers(app.status.report, app.store));
  };
  const read = () => {
    banner.update(app.status);
    live.hidden = !app.status.report;
    if (app.status.report) showTodos(todos, app.status.report);
    move();
  };
  read();
  const timer = setInterval(move, 1000);
  const unsubscribe = app.status.subscribe(read);
  if (panel) requestAnimationFrame(() => reach(panel));
  return () => {
    clearInterval(timer);
    unsubscribe();
    diagram.observer.disconnect();
  };
}

/** @param {HTMLElement} panel */
function reach(panel) {
  panel.querySelector("h2")?.focus({ preventScroll: true });
  panel.scrollIntoView({ block: "start" });
}

/**
 * Draws them only when something changed, so that the focus stays.
 * @param {HTMLElement} element
 * @param {StatusReport} report
 */
function showTodos(element, report) {
  const state = JSON.stringify([
    report.unread,
    troubles(report),
    report.signals.filter((signal) => signal.verdict !== "ok" && !isBad(signal)),
  ]);
  if (element.dataset.state === state) return;
  element.dataset.state = state;
  fill(element, todo(report));
}

/** @type {import("../api.js").View} */
export const view = { name: "flow", title: "Flow", key: "f", mount };
