// The console on a local stack, and a browser that shows it.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile, symlink } from "node:fs/promises";
import { createInterface } from "node:readline";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const { WAB, WAB_DIRECTORY, NPM_PACKAGES, CHROMIUM, PYTHON, STACK_NAME } = process.env;
const STACK = fileURLToPath(new URL("../../infra/local/stack.py", import.meta.url));
const packages = createRequire(`${NPM_PACKAGES}/`);
const { chromium } = packages("playwright-core");
const AXE = packages.resolve("axe-core/axe.min.js");

/** Runs a program, and returns what it prints. It must end with 0. */
function run(program, args, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
    let [out, err] = ["", ""];
    child.stdout.on("data", (data) => (out += data));
    child.stderr.on("data", (data) => (err += data));
    child.on("error", reject);
    child.on("close", (code) => (code === 0 ? resolve(out) : reject(new Error(`${program} ${args.join(" ")}: ${code}\n${out}${err}`))));
  });
}

/** Runs `wab` in a directory, by which it finds its stack. */
export function wabIn(directory, ...args) {
  return run(WAB, args, { cwd: directory });
}

/** Runs `wab` on the stack of the tests. */
export function wab(...args) {
  return wabIn(WAB_DIRECTORY, ...args);
}

/** Runs `up` or `down` for the stack of this name. */
export function stackCommand(command, name, ...options) {
  return run(PYTHON, [STACK, command, "--name", name, ...options]);
}

/** Stops the stack with all that it holds. Returns what starts it anew, at the same address. */
export async function stopStack() {
  const { port } = await stackFile();
  await stackCommand("down", STACK_NAME);
  return async () => {
    await stackCommand("up", STACK_NAME, "--port", String(port));
    // What infra/local/listen.py made was deleted with the stack.
    if (!existsSync(`${WAB_DIRECTORY}/.local`)) await symlink(".", `${WAB_DIRECTORY}/.local`);
  };
}

/** The stack's file. */
export async function stackFile() {
  return JSON.parse(await readFile(`${WAB_DIRECTORY}/.local/stack.json`, "utf8"));
}

/** Calls the emulator, which reads the credentials and checks no signature. */
async function call(service, path, headers, body) {
  const { endpoint, region, access_key_id: key } = await stackFile();
  const authorization = `AWS4-HMAC-SHA256 Credential=${key}/20260101/${region}/${service}/aws4_request, SignedHeaders=host, Signature=00`;
  const answer = await fetch(`${endpoint}${path}`, { method: "POST", headers: { authorization, ...headers }, body: JSON.stringify(body) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${service}: ${answer.status} ${text}`);
  return JSON.parse(text);
}

/** Calls DynamoDB about the stack's table. */
export async function dynamodb(operation, body) {
  const { table } = await stackFile();
  const headers = { "content-type": "application/x-amz-json-1.0", "x-amz-target": `DynamoDB_20120810.${operation}` };
  return call("dynamodb", "/", headers, { TableName: table, ...body });
}

/** Puts a message into a queue, as a topic would. */
export async function enqueue(queue, body) {
  const { endpoint } = await stackFile();
  const headers = { "content-type": "application/x-amz-json-1.0", "x-amz-target": "AmazonSQS.SendMessage" };
  return call("sqs", "/", headers, { QueueUrl: `${endpoint}/000000000000/${queue}`, MessageBody: body });
}

/** Hands `fanout` the stored message again, as a record that has waited in the stream for this many minutes. */
export async function handOver(id, minutes) {
  const { fanout_function: fanout } = await stackFile();
  const Keys = { pk: { S: `MO#${id}` }, sk: { S: "EVENT" } };
  const { Item } = await dynamodb("GetItem", { Key: Keys });
  const created = Math.floor(Date.now() / 1000) - minutes * 60;
  const change = { Keys, NewImage: Item, SequenceNumber: "1", ApproximateCreationDateTime: created };
  const record = { eventID: "1", eventName: "INSERT", eventSource: "aws:dynamodb", dynamodb: change };
  return call("lambda", `/2015-03-31/functions/${fanout}/invocations`, {}, { Records: [record] });
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
