/** @file Starts the page: navigation, keys, and the line that says what is going on. */

import { Api, NO_TOKEN, takeToken, textOf } from "./api.js";
import { confirmer } from "./confirm.js";
import { SHAPES, fill, h, setText } from "./dom.js";
import { count, plural, rate } from "./format.js";
import { Status, Store, troubles } from "./store.js";
import { view as act } from "./views/act.js";
import { view as conversation } from "./views/conversation.js";
import { view as cost } from "./views/cost.js";
import { view as doctor } from "./views/doctor.js";
import { view as events } from "./views/events.js";
import { view as faults } from "./views/faults.js";
import { view as flow } from "./views/flow.js";
import { view as message } from "./views/message.js";
import { view as parked } from "./views/parked.js";

/** @typedef {import("./api.js").App} App */
/** @typedef {import("./api.js").View} View */

/** @type {View[]} */
const IN_NAVIGATION = [flow, events, conversation, act, parked, faults, doctor, cost];
const VIEWS = [...IN_NAVIGATION, message];
const KEY_PAUSE = 1500;
const LOCAL_STATUS_SECONDS = 3;
const DEPLOYED_STATUS_SECONDS = 60;

/** @param {string} id */
function byId(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}

/** @returns {import("./api.js").Reveal} */
function revealing() {
  /** @type {Set<(on: boolean) => void>} */
  const listeners = new Set();
  const reveal = {
    on: false,
    set(/** @type {boolean} */ on) {
      reveal.on = on;
      for (const listener of listeners) listener(on);
    },
    subscribe(/** @type {(on: boolean) => void} */ listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  return reveal;
}

/** The same text twice is announced twice. @param {string} text */
function announce(text) {
  const announcer = byId("announcer");
  announcer.textContent = "";
  setTimeout(() => setText(announcer, text), 50);
}

/** @param {Api} api @param {import("./api.js").About} about @returns {App} */
function appOf(api, about) {
  const status = new Status(api, about.local ? LOCAL_STATUS_SECONDS : DEPLOYED_STATUS_SECONDS);
  const go = (/** @type {string} */ hash) => void (location.hash = hash);
  const confirm = confirmer({ about, api, announce });
  return { about, api, store: new Store(), status, go, reveal: revealing(), confirm, announce, path: [] };
}

/** Shows the view that the address names. */
class Router {
  /** @param {App} app */
  constructor(app) {
    this.app = app;
    this.unmount = () => {};
    this.isFirst = true;
    window.addEventListener("hashchange", () => this.show());
  }

  show() {
    const [name, ...path] = location.hash.replace(/^#\/?/, "").split("/").map(decoded);
    const view = VIEWS.find((candidate) => candidate.name === name) ?? flow;
    this.unmount();
    this.app.path = path;
    document.title = `${view.title} · wab console`;
    mark(view);
    const main = byId("main");
    fill(main);
    this.unmount = view.mount(main, this.app);
    if (!this.isFirst && !main.contains(document.activeElement)) main.focus({ preventScroll: true });
    if (!this.isFirst) window.scrollTo(0, 0);
    this.isFirst = false;
  }
}

/** @param {string} part */
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** @param {View} current */
function mark(current) {
  for (const link of document.querySelectorAll("#nav a")) {
    if (link.getAttribute("href") === `#/${current.name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

function buildNavigation() {
  const link = (/** @type {View} */ view) =>
    h("li", null, h("a", { href: `#/${view.name}`, "data-title": view.title, title: `g ${view.key}` }, view.title));
  fill(byId("nav"), h("ul", null, IN_NAVIGATION.map(link)));
  byId("skip").addEventListener("click", (event) => {
    event.preventDefault();
    byId("main").focus();
  });
}

/** @param {App} app */
function buildTop(app) {
  const verdict = h("a", { class: "verdict", href: "#/flow" }, "reading the status …");
  const live = h("span", { class: "live small" }, "connecting …");
  const place = h("span", { class: "muted small wrap grow" }, app.about.place, app.about.read_only && " · read-only");
  const help = h(
    "button",
    { class: "btn btn-small", type: "button", "aria-label": "Help: the keys", onclick: showHelp },
    "?",
  );
  fill(byId("top"), h("span", { class: "brand" }, "wab"), place, verdict, live, revealButton(app), help);
  app.status.subscribe(() => showVerdict(verdict, app.status));
  watchConnection(app.store);
  const showLive = () => setText(live, liveText(app.store));
  app.store.watch(showLive);
  setInterval(showLive, 1000);
}

/** Says at the bottom of the page, in every view, why it isn't live. @param {Store} store */
function watchConnection(store) {
  const bar = h("p", { class: "notice bar", role: "alert", hidden: true });
  document.body.append(bar);
  store.watch(({ problem }) => {
    setText(bar, problem);
    bar.hidden = problem === "";
  });
}

/** @param {App} app */
function revealButton(app) {
  const toggle = () => app.reveal.set(!app.reveal.on);
  const button = h(
    "button",
    {
      class: "btn btn-small",
      type: "button",
      "aria-pressed": "false",
      title: "Shows numbers, names and texts (r)",
      onclick: toggle,
    },
    "Reveal",
  );
  app.reveal.subscribe((on) => {
    button.setAttribute("aria-pressed", String(on));
    announce(on ? "Numbers, names and texts are shown" : "Numbers, names and texts are masked");
  });
  return button;
}

/** @param {HTMLElement} link @param {Status} status */
function showVerdict(link, status) {
  const { verdict, text } = summary(status);
  const shown = `${SHAPES[verdict]} ${text}`;
  if (link.textContent === shown) return;
  link.className = `verdict verdict-${verdict}`;
  link.textContent = shown;
  announce(`${verdict}: ${text}`);
}

/** @param {Status} status */
function summary({ report, problem }) {
  if (problem !== "" || !report) return { verdict: "unknown", text: "status unknown" };
  const bad = troubles(report);
  if (bad.length > 0) return { verdict: bad[0].verdict, text: plural(bad.length, "thing") + " to do" };
  return { verdict: "ok", text: "nothing to do" };
}

/** @param {Store} store */
function liveText(store) {
  const { state } = store.connection;
  if (state === "live")
    return `● live, ${rate(store.perSecond("mo") + store.perSecond("dlr"))}/s, ${count(store.entries.length)} kept`;
  return { connecting: "◌ connecting …", lost: "✘ not live, retrying", refused: "✘ not live" }[state];
}

function showHelp() {
  if (document.querySelector("dialog[open]")) return;
  const pair = (/** @type {string} */ keys, /** @type {string} */ does) => [
    h(
      "dt",
      null,
      keys.split(" ").map((key) => [h("kbd", null, key), " "]),
    ),
    h("dd", null, does),
  ];
  const views = IN_NAVIGATION.flatMap((view) => [
    pair(`g ${view.key}`, view.title),
    ...(view.keys ?? []).map(([keys, does]) => pair(keys, does)),
  ]);
  const close = h("button", { class: "btn btn-primary", type: "button", onclick: () => dialog.close() }, "Close");
  const list = h(
    "dl",
    { class: "pairs" },
    views,
    pair("r", "Show or mask numbers, names and texts"),
    pair("?", "This help"),
  );
  const dialog = h(
    "dialog",
    { "aria-labelledby": "help-title" },
    h("div", { class: "stack" }, h("h2", { id: "help-title" }, "Keys"), list, h("div", { class: "actions" }, close)),
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

/** @param {EventTarget | null} target */
function isTyping(target) {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName))
  );
}

/** @param {App} app */
function listenToKeys(app) {
  let wasG = 0;
  document.addEventListener(
    "keydown",
    (event) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      if (document.querySelector("dialog[open]")) return;
      const view = Date.now() - wasG < KEY_PAUSE && IN_NAVIGATION.find((candidate) => candidate.key === event.key);
      wasG = event.key === "g" ? Date.now() : 0;
      if (view) app.go(`#/${view.name}`);
      else if (event.key === "?") showHelp();
      else if (event.key === "r") app.reveal.set(!app.reveal.on);
      else return;
      event.preventDefault();
      event.stopImmediatePropagation();
    },
    { capture: true },
  );
}

async function start() {
  const token = takeToken();
  if (!token) return say(NO_TOKEN);
  const api = new Api(token);
  const about = await api.get("/api/about");
  const app = appOf(api, about);
  buildTop(app);
  buildNavigation();
  listenToKeys(app);
  app.status.start();
  app.store.follow(api);
  return new Router(app).show();
}

/** @param {string} text */
function say(text) {
  fill(byId("main"), h("h1", null, "wab console"), h("p", { class: "notice", role: "alert" }, text));
}

start().catch((error) => say(textOf(error)));
