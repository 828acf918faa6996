// Measures the console's page on a local stack: node tests/console/measure.mjs, with the environment of
// infra/local/browser.py. Prints one line a figure. Takes some minutes.

import { mkdir, mkdtemp, readFile, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ask, openPage, show, stackCommand, stackFile, startBrowser, startConsole, startConsoleIn, wab, wabIn } from "./browser.mjs";

const AT_50 = { rate: 50, seconds: 30 };
const AT_200 = { rate: 200, seconds: 60 };
const BEHIND = 100_000;

const percentile = (values, share) => [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))];
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const mebibytes = (bytes) => `${(bytes / 2 ** 20).toFixed(0)} MiB`;

/** Notes when the list says how many events it has, and how many tasks of the main thread took over 50 ms. */
function watch() {
  const noted = { counts: [], longTasks: [] };
  window.noted = noted;
  const status = [...document.querySelectorAll("main span.muted")].find((span) => span.textContent.includes(" shown, "));
  const note = () => noted.counts.push([Number((/^([\d\s\u202f,]+)/.exec(status.textContent)?.[1] ?? "0").replace(/\D/g, "")), Date.now()]);
  new MutationObserver(note).observe(status, { childList: true, characterData: true, subtree: true });
  new PerformanceObserver((list) => noted.longTasks.push(...list.getEntries().map(({ duration }) => duration))).observe({ type: "longtask" });
}

/** Seconds of the main thread and heap of the page. */
async function load(session) {
  const { metrics } = await session.send("Performance.getMetrics");
  const of = (name) => metrics.find((metric) => metric.name === name).value;
  return { busy: of("TaskDuration"), heap: of("JSHeapUsedSize") };
}

/** Bytes of a process: resident now, at most, and without what it shares with the files of the program. */
async function memory(pid) {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  const of = (name) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1] ?? 0) * 1024;
  return { resident: of("VmRSS"), most: of("VmHWM"), own: of("RssAnon") };
}

/** The process of the open tab: the largest renderer. */
async function renderer(browser) {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  await session.detach();
  const all = processInfo.filter(({ type }) => type === "renderer").map(({ id }) => memory(id).catch(() => null));
  return (await Promise.all(all)).filter(Boolean).sort((one, other) => other.resident - one.resident)[0];
}

/** Prints the memory of the page, of its process and of the console. */
async function printMemory(when, { browser, server, session }) {
  const [{ heap: used }, tab, tool] = [await load(session), await renderer(browser), await memory(server.pid)];
  await session.send("HeapProfiler.collectGarbage");
  const { heap: kept } = await load(session);
  const of = ({ resident, most, own }) => `${mebibytes(resident)} resident (at most ${mebibytes(most)}), ${mebibytes(own)} of its own`;
  console.log(`memory ${when}, heap of the page: ${mebibytes(used)}, after a collection ${mebibytes(kept)}`);
  console.log(`memory ${when}, process of the tab: ${of(tab)}`);
  console.log(`memory ${when}, process of wab: ${of(tool)}`);
}

/** The time between frames, as long as `ms`. */
function frames(ms) {
  return new Promise((resolve) => {
    const gaps = [];
    let last = performance.now();
    const end = last + ms;
    const next = (now) => {
      gaps.push(now - last);
      last = now;
      if (now < end) requestAnimationFrame(next);
      else resolve(gaps);
    };
    requestAnimationFrame(next);
  });
}

async function open(browser, server) {
  const opened = await openPage(browser, server.address);
  const session = await opened.page.context().newCDPSession(opened.page);
  await session.send("Performance.enable");
  await show(opened.page, "events");
  await opened.page.getByText(" shown, ").waitFor();
  await opened.page.evaluate(watch);
  return { ...opened, session, browser, server };
}

/** From the receipt of a callback until its row is on the page. */
async function latency(browser, server) {
  const { page, close } = await open(browser, server);
  const { rate, seconds } = AT_50;
  await wab("send", "mo", "--count", String(rate * seconds), "--rate", String(rate)).catch(({ message }) => console.log(message.slice(0, 300)));
  await sleep(5_000);
  const { counts } = await page.evaluate("window.noted");
  const lags = [];
  for (let seq = 1; seq <= rate * seconds; seq++) {
    const answer = await ask(server, `/api/rows/${seq}`);
    const shown = counts.find(([count]) => count >= seq);
    if (answer.ok && shown) lags.push(shown[1] - Date.parse((await answer.json()).received_at));
  }
  console.log(`received to shown at ${rate} a second: ${lags.length} of ${rate * seconds} events, p50 ${percentile(lags, 0.5)} ms, p95 ${percentile(lags, 0.95)} ms, p99 ${percentile(lags, 0.99)} ms`);
  await close();
}

/** What the list and the line at the top say. */
async function printShown(page) {
  const [list, top] = [await page.getByText(" shown, ").textContent(), await page.getByText("● live").textContent()];
  const rows = await page.locator(".events-body .event").count();
  console.log(`the page says: "${list}", "${top}"; rows in the document: ${rows}`);
}

/** A made-up event, as a subscriber receives it. */
function madeUpEvent(number) {
  const id = `event-${number}`;
  return JSON.stringify({
    specversion: "1.0", id, source: "/wab/gateway", type: "wab.mo.v1", subject: id, time: new Date().toISOString(), datacontenttype: "application/json",
    data: { id, source: "+6421000001", destination: "6421000002", content: { type: "text", text: { body: "Kia ora" } } },
  });
}

/**
 * Stands between the console and the emulator, and serves the console's queue from memory: the emulator's takes some
 * hundred events a second. Everything else is passed on.
 */
class FastQueue {
  constructor(endpoint) {
    this.endpoint = endpoint;
    this.sent = this.received = 0;
    this.server = createServer((request, response) => void this.answer(request, response));
  }

  /** Listens, and returns a directory in which `wab` finds the stack at this address. */
  async start(stack) {
    await new Promise((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    const directory = await mkdtemp(join(tmpdir(), "wab-"));
    await mkdir(join(directory, ".local"));
    const endpoint = `http://localhost:${this.server.address().port}`;
    await writeFile(join(directory, ".local", "stack.json"), JSON.stringify({ ...stack, endpoint }));
    return directory;
  }

  async answer(request, response) {
    const parts = [];
    for await (const part of request) parts.push(part);
    const body = Buffer.concat(parts);
    const target = request.headers["x-amz-target"];
    if (target === "AmazonSQS.ReceiveMessage") return this.reply(response, { Messages: await this.receive() });
    if (target === "AmazonSQS.DeleteMessageBatch") {
      return this.reply(response, { Successful: JSON.parse(body).Entries.map(({ Id }) => ({ Id })), Failed: [] });
    }
    const { host, connection, "content-length": length, ...headers } = request.headers;
    const passed = await fetch(this.endpoint + request.url, { method: request.method, headers, body: body.length > 0 ? body : undefined });
    const { "content-encoding": encoding, "content-length": size, "transfer-encoding": chunks, ...kept } = Object.fromEntries(passed.headers);
    response.writeHead(passed.status, kept);
    response.end(Buffer.from(await passed.arrayBuffer()));
  }

  reply(response, body) {
    response.writeHead(200, { "content-type": "application/x-amz-json-1.0" });
    response.end(JSON.stringify(body));
  }

  /** Ten messages, as soon as there are any. */
  async receive() {
    for (let wait = 0; wait < 2_000 && this.received >= this.sent; wait += 10) await sleep(10);
    const from = this.received;
    this.received = Math.min(this.sent, from + 10);
    return Array.from({ length: this.received - from }, (_, index) => {
      const id = String(from + index);
      return { MessageId: id, ReceiptHandle: id, Body: madeUpEvent(id), Attributes: { SentTimestamp: String(Date.now()) } };
    });
  }
}

/** Puts many events behind the page, as fast as the console takes them. */
async function fill(opened, queue) {
  const start = Date.now();
  queue.sent += BEHIND;
  while (!(await arrived(opened, BEHIND))) await sleep(200);
  const took = (Date.now() - start) / 1000;
  console.log(`${BEHIND} events: in ${took.toFixed(0)} s, ${(BEHIND / took).toFixed(0)} a second`);
  await sleep(2_000);
  await printShown(opened.page);
}

/** Whether the console has had this many events. */
async function arrived({ server }, number) {
  return (await ask(server, `/api/rows/${number}`)).ok;
}

/** Sends 200 a second, and looks at the page. */
async function busy(opened, queue) {
  const { page, session } = opened;
  const { rate, seconds } = AT_200;
  await page.evaluate("window.noted.longTasks.length = 0");
  const before = await load(session);
  const gaps = page.evaluate(frames, seconds * 1000);
  const start = Date.now();
  for (let sent = 0; sent < rate * seconds; sent += 10) {
    await sleep(Math.max(0, start + (sent * 1000) / rate - Date.now()));
    queue.sent += 10;
  }
  const took = (Date.now() - start) / 1000;
  const times = await gaps;
  const after = await load(session);
  const { longTasks } = await page.evaluate("window.noted");
  const work = ((after.busy - before.busy) * 1000) / times.length;
  console.log(`sent ${((rate * seconds) / took).toFixed(0)} a second for ${took.toFixed(0)} s, ${queue.sent - queue.received} not yet received`);
  console.log(`frames: ${times.length}, between them p50 ${percentile(times, 0.5).toFixed(1)} ms, p95 ${percentile(times, 0.95).toFixed(1)} ms, longest ${Math.max(...times).toFixed(0)} ms`);
  console.log(`main thread: ${work.toFixed(1)} ms a frame, busy ${((100 * (after.busy - before.busy)) / took).toFixed(0)} % of the time`);
  console.log(`tasks over 50 ms: ${longTasks.length}, longest ${Math.max(0, ...longTasks).toFixed(0)} ms`);
  await printShown(page);
}

/** A stack that may be stopped: what starts it, what stops it, and a directory in which `wab` finds it. */
async function stackOf(name) {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  const directory = await mkdtemp(join(tmpdir(), "wab-"));
  await symlink(join(root, ".local", name), join(directory, ".local"));
  return { directory, up: () => stackCommand("up", name), down: () => stackCommand("down", name) };
}

/** Stops a stack and starts it again, at another address, while the page is open. */
async function restart(browser) {
  const stack = await stackOf("console-restart");
  try {
    await stack.up();
    const server = await startConsoleIn(stack.directory);
    const { page, faults, close } = await openPage(browser, server.address);
    page.setDefaultTimeout(60_000);
    await show(page, "events");
    const seconds = async (work) => {
      const start = Date.now();
      await work();
      return ((Date.now() - start) / 1000).toFixed(1);
    };
    await stack.down();
    const away = await seconds(() => page.getByText("the local stack isn't running").first().waitFor());
    await stack.up();
    const back = await seconds(() => page.getByText("● live").waitFor());
    await wabIn(stack.directory, "send", "mo", "--type", "sticker");
    const listed = await seconds(() => page.locator(".events-body .event", { hasText: "sticker" }).waitFor());
    await close();
    await stack.down();
    console.log(`stack stopped: the page says so after ${away} s; started again: live after ${back} s, a new callback is listed after ${listed} s`);
    console.log(`ended with ${await server.end()} while the stack is stopped; errors of the page: ${faults.length}`);
  } finally {
    await stack.down();
  }
}

const browser = await startBrowser();
const began = Date.now();
const server = await startConsole();
console.log(`console: address after ${Date.now() - began} ms`);
for (const name of ["first", "warm"]) {
  const { page, close } = await openPage(browser, server.address);
  await page.waitForFunction(() => performance.getEntriesByName("first-contentful-paint").length > 0);
  const paint = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0].startTime);
  console.log(`${name} first paint: ${paint.toFixed(0)} ms`);
  await close();
}
await latency(browser, server);
console.log(`ended with ${await server.end()}`);

const stack = await stackFile();
const queue = new FastQueue(stack.endpoint);
const loaded = await startConsoleIn(await queue.start(stack));
const opened = await open(browser, loaded);
await printMemory("at first", opened);
await fill(opened, queue);
await printMemory(`with ${BEHIND} behind it`, opened);
await busy(opened, queue);
await printMemory("at the end", opened);
await opened.close();
console.log(`ended with ${await loaded.end()}`);
await restart(browser);
await browser.close();
process.exit();
