// Takes the pictures of the console's views in docs/console, from made-up data. Run by infra/local/pictures.py.

import { mkdir } from "node:fs/promises";
import { ask, dynamodb, openPage, send, show, startBrowser, startConsole, wab } from "./browser.mjs";

const { PICTURES } = process.env;

/** Stores a message in a layout that no function knows, so that its event is parked. */
async function park(id) {
  const Key = { pk: { S: `MO#${id}` }, sk: { S: "EVENT" } };
  const { Item } = await dynamodb("GetItem", { Key });
  await dynamodb("PutItem", { Item: { ...Item, pk: { S: `MO#${id}-parked` }, v: { N: "99" } } });
}

/** Waits until `ready` returns something. */
async function until(ready) {
  for (let tries = 0; tries < 120; tries++) {
    const value = await ready();
    if (value) return value;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  throw new Error(`not ready: ${ready}`);
}

async function setFault(name, on) {
  const headers = { "content-type": "application/json" };
  const { ok, status } = await ask(server, "/api/faults", { method: "POST", body: JSON.stringify({ name, on }), headers });
  if (!ok) throw new Error(`the fault ${name}: ${status}`);
}

const [server, browser] = await Promise.all([startConsole(), startBrowser()]);
try {
  await mkdir(PICTURES, { recursive: true });
  await takeAll((await openPage(browser, server.address)).page);
} finally {
  await browser.close();
  process.exitCode = (await server.end()) || undefined;
}

async function takeAll(page) {
  const read = () => page.waitForFunction(() => !/Reading .*…|Reading…/.test(document.querySelector("main").textContent));
  const take = async (name) => {
    await read();
    await page.evaluate(() => document.activeElement?.blur());
    await page.screenshot({ path: `${PICTURES}/${name}.png` });
  };

  await wab("send", "scenario", "storm");
  const { contacts: [contact] } = JSON.parse(await wab("send", "scenario", "conversation", "--json"));
  const order = await send("mo", "--type", "order");
  for (const type of ["text", "image"]) await park(await send("mo", "--type", type));
  await until(async () => JSON.parse(await wab("parked", "list", "--json")).messages.length >= 2);

  await show(page, "events");
  await page.locator(".events-body .event", { hasText: "order" }).first().waitFor();
  await take("events");

  await show(page, `message/${order}`);
  await page.getByText("Callback as it came").waitFor();
  await take("message");

  await show(page, "conversation");
  await page.getByLabel("Contact").fill(contact);
  await page.keyboard.press("Enter");
  await page.locator(".bubble").first().waitFor();
  await take("conversation");

  await show(page, "act");
  await take("act");

  await show(page, "parked");
  await page.locator("button.pick").first().click();
  await page.getByText("a redrive would").waitFor();
  await take("parked");

  await setFault("table", true);
  await wab("send", "mo", "--count", "20", "--rate", "20");
  await show(page, "faults");
  await page.locator("[role=switch][aria-checked=true]").waitFor();
  await take("faults");

  await show(page, "flow");
  await page.getByText("the table rejects writes").first().waitFor();
  await take("flow");
  await setFault("table", false);

  await show(page, "doctor");
  await page.getByText("checked at").waitFor();
  await take("doctor");

  await show(page, "cost");
  await page.getByText("a month", { exact: false }).first().waitFor();
  await take("cost");
}
