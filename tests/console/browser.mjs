// The console on a local stack, and a browser that shows it.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { createRequire } from "node:module";
import { readFile } from "node:fs/promises";

const { WAB, WAB_DIRECTORY, NPM_PACKAGES, CHROMIUM } = process.env;
const packages = createRequire(`${NPM_PACKAGES}/`);
const { chromium } = packages("playwright-core");
const AXE = packages.resolve("axe-core/axe.min.js");

/** Runs `wab` in a directory, by which it finds its stack, and returns what it prints. It must end with 0. */
export function wabIn(directory, ...args) {
  return new Promise((resolve, reject) => {
    const child = spawn(WAB, args, { cwd: directory, stdio: ["ignore", "pipe", "pipe"] });
    let [out, err] = ["", ""];
    child.stdout.on("data", (data) => (out += data));
    child.stderr.on("data", (data) => (err += data));
    child.on("close", (code) => (code === 0 ? resolve(out) : reject(new Error(`wab ${args.join(" ")}: ${code}\n${out}${err}`))));
  });
}

/** Runs `wab` on the stack of the tests. */
export function wab(...args) {
  return wabIn(WAB_DIRECTORY, ...args);
}

/** Sends one callback, and returns its id. */
export async function send(...args) {
  return JSON.parse(await wab("send", ...args, "--json")).answer.body.id;
}

/** Starts `wab console` on the stack of the tests. */
export function startConsole(...args) {
  return startConsoleIn(WAB_DIRECTORY, ...args);
}

/** Starts `wab console` in a directory. Returns its address, its process, its log, and what ends it. */
export async function startConsoleIn(directory, ...args) {
  const child = spawn(WAB, ["console", "--port", "0", ...args], { cwd: directory, stdio: ["ignore", "pipe", "pipe"] });
  let log = "";
  child.stderr.on("data", (data) => (log += data));
  const ended = new Promise((resolve) => child.on("close", resolve));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const first = await lines.next();
  if (first.done) throw new Error(`wab console ended with ${await ended}: ${log}`);
  const end = () => {
    child.kill("SIGTERM");
    return ended;
  };
  return { address: first.value, pid: child.pid, log: () => log, end };
}

export function startBrowser() {
  const args = ["--disable-gpu", "--disable-background-networking", "--no-sandbox"];
  return chromium.launch({ executablePath: CHROMIUM, headless: true, args });
}

/** Asks the console's server, as its page does. */
export function ask(server, path, init) {
  const url = new URL(server.address);
  return fetch(`${url.origin}${path}`, { ...init, headers: { ...init?.headers, authorization: `Bearer ${url.hash.replace("#token=", "")}` } });
}

/** Opens the console's page. Notes what it must not do. */
export async function openPage(browser, address, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  const origin = new URL(address).origin;
  const faults = [];
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(origin) && !url.startsWith("data:")) faults.push(`request to ${url}`);
  });
  page.on("console", (message) => {
    if (message.type() === "error") faults.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => faults.push(`error: ${error.stack}`));
  page.on("dialog", (dialog) => {
    faults.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  await page.goto(address);
  await page.getByText("● live").waitFor();
  return { page, faults, close: () => context.close() };
}

/** Shows a view. */
export async function show(page, name) {
  await page.evaluate((hash) => void (location.hash = hash), `#/${name}`);
  await page.locator(`#nav a[href="#/${name.split("/")[0]}"][aria-current=page], h1, h2`).first().waitFor();
}

/** What axe-core finds wrong with the page, in brief. */
export async function violations(page) {
  // The page's policy allows no script but its own, so the browser is told to let this one in.
  const session = await page.context().newCDPSession(page);
  await session.send("Runtime.evaluate", { expression: await readFile(AXE, "utf8") });
  const { result } = await session.send("Runtime.evaluate", {
    expression: `axe.run().then(({ violations }) => JSON.stringify(violations.map(({ id, nodes }) => id + ": " + nodes.slice(0, 3).map((node) => node.html).join(" | "))))`,
    awaitPromise: true,
  });
  return JSON.parse(result.value);
}
