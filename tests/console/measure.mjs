// Measures the console's page on a local stack: node tests/console/measure.mjs, with the environment of
// infra/local/browser.py. Prints one line a figure.

import { readFile } from "node:fs/promises";
import { openPage, show, startBrowser, startConsole, wab } from "./browser.mjs";

const AT_50 = { rate: 50, seconds: 30 };
const AT_200 = { rate: 200, seconds: 60 };

const percentile = (values, share) => [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))];
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Notes when the list says how many events it has, and how long each frame's work takes. */
function watch() {
  const noted = { counts: [], longTasks: 0 };
  window.noted = noted;
  const status = [...document.querySelectorAll("main span.muted")].find((span) => span.textContent.includes(" shown, "));
  const note = () => noted.counts.push([Number((/^([\d\s\u202f,]+)/.exec(status.textContent)?.[1] ?? "0").replace(/\D/g, "")), Date.now()]);
  new MutationObserver(note).observe(status, { childList: true, characterData: true, subtree: true });
  new PerformanceObserver((list) => (noted.longTasks += list.getEntries().length)).observe({ type: "longtask" });
}

/** Seconds of the main thread, frames and heap of the page since it was opened. */
async function load(session) {
  const { metrics } = await session.send("Performance.getMetrics");
  const of = (name) => metrics.find((metric) => metric.name === name).value;
  return { busy: of("TaskDuration"), heap: of("JSHeapUsedSize"), at: of("Timestamp") };
}

/** Frames that were drawn in a second, and the longest pauses between them. */
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
  return { ...opened, session };
}

/** From the receipt of a callback until its row is on the page. */
async function latency(browser, server) {
  const { page, close } = await open(browser, server);
  const { rate, seconds } = AT_50;
  await wab("send", "mo", "--count", String(rate * seconds), "--rate", String(rate)).catch(({ message }) => console.log(message.slice(0, 300)));
  await sleep(5_000);
  const { counts } = await page.evaluate("window.noted");
  const url = new URL(server.address);
  const headers = { authorization: `Bearer ${url.hash.replace("#token=", "")}` };
  const lags = [];
  for (let seq = 1; seq <= rate * seconds; seq++) {
    const answer = await fetch(`${url.origin}/api/rows/${seq}`, { headers });
    const shown = counts.find(([count]) => count >= seq);
    if (answer.ok && shown) lags.push(shown[1] - Date.parse((await answer.json()).received_at));
  }
  console.log(`received to shown at ${rate} a second: ${lags.length} of ${rate * seconds} events, p50 ${percentile(lags, 0.5)} ms, p95 ${percentile(lags, 0.95)} ms, p99 ${percentile(lags, 0.99)} ms`);
  await close();
}

/** Puts events into the console's queue as SNS would, and looks at the page. */
async function busy(browser, server, stack, queue) {
  const { page, session, close } = await open(browser, server);
  const event = JSON.stringify({
    specversion: "1.0", id: "ID", source: "/wab/gateway", type: "wab.mo.v1", subject: "7c1f", time: new Date().toISOString(), datacontenttype: "application/json",
    data: { id: "7c1f", source: "+6421000001", destination: "6421000002", content: { type: "text", text: { body: "Kia ora" } } },
  });
  const authorization = `AWS4-HMAC-SHA256 Credential=${stack.access_key_id}/20260101/${stack.region}/sqs/aws4_request, SignedHeaders=host, Signature=00`;
  const headers = { authorization, "content-type": "application/x-amz-json-1.0", "x-amz-target": "AmazonSQS.SendMessageBatch" };
  const { rate, seconds } = AT_200;
  const before = await load(session);
  const gaps = page.evaluate(frames, seconds * 1000);
  const [start, pending] = [Date.now(), []];
  for (let batch = 0; batch < (rate * seconds) / 10; batch++) {
    await sleep(Math.max(0, start + (batch * 10_000) / rate - Date.now()));
    const entries = Array.from({ length: 10 }, (_, number) => ({ Id: String(number), MessageBody: event.replace("ID", `${batch}-${number}`) }));
    pending.push(fetch(stack.endpoint, { method: "POST", headers, body: JSON.stringify({ QueueUrl: queue, Entries: entries }) }));
  }
  const refused = (await Promise.all(pending)).filter(({ ok }) => !ok).length;
  const took = (Date.now() - start) / 1000;
  const times = await gaps;
  const after = await load(session);
  const { counts, longTasks } = await page.evaluate("window.noted");
  const perFrame = ((after.busy - before.busy) * 1000) / times.length;
  console.log(`sent ${(rate * seconds) / took} a second for ${took.toFixed(0)} s, ${refused} refused; shown at the end: ${counts.at(-1)[0]}`);
  console.log(`frames: work ${perFrame.toFixed(1)} ms each, between them p50 ${percentile(times, 0.5).toFixed(1)} p95 ${percentile(times, 0.95).toFixed(1)} ms, ${longTasks} tasks over 50 ms; heap ${(after.heap / 2 ** 20).toFixed(0)} MiB`);
  await close();
}

const browser = await startBrowser();
const began = Date.now();
const server = await startConsole();
console.log(`console: address after ${Date.now() - began} ms`);
for (const name of ["first", "warm"]) {
  const { page, close } = await openPage(browser, server.address);
  const paint = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0].startTime);
  console.log(`${name} first paint: ${paint.toFixed(0)} ms`);
  await close();
}
await latency(browser, server);
const stack = JSON.parse(await readFile(`${process.env.WAB_DIRECTORY}/.local/stack.json`, "utf8"));
const url = new URL(server.address);
const live = await fetch(`${url.origin}/api/live`, { headers: { authorization: `Bearer ${url.hash.replace("#token=", "")}` } });
const reader = live.body.getReader();
const [, queue] = /"queue":"([^"]+)"/.exec(new TextDecoder().decode((await reader.read()).value));
await reader.cancel();
await busy(browser, server, stack, `${stack.endpoint}/000000000000/${queue}`);
await browser.close();
console.log(`ended with ${await server.end()}`);
