// The page of `wab console` in a real browser, on a local stack. Run by infra/local/browser.py.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ask, enqueue, handOver, openPage, send, show, startBrowser, startConsole, stopStack, violations, wab } from "./browser.mjs";

const VIEWS = ["flow", "events", "conversation", "act", "parked", "faults", "doctor", "cost"];
const NUMBER = "+6421000001";
let server, browser;

before(async () => {
  [server, browser] = await Promise.all([startConsole(), startBrowser()]);
});

after(async () => {
  await browser?.close();
  await server?.end();
});

/** Opens the page, runs `check` on it, and holds the page to what it may do, but for what is `allowed`. */
async function on(check, { allowed, ...options } = {}) {
  const { page, faults, close } = await openPage(browser, server.address, options);
  page.setDefaultTimeout(15_000);
  await check(page);
  assert.deepEqual(faults.filter((fault) => !allowed?.test(fault)), []);
  await close();
}

/** The row of the list that has this text. */
function row(page, text) {
  return page.locator(".events-body .event", { hasText: text });
}

/** The question before an action. It must show this command. Does it, and returns what was done. */
async function doIt(page, command) {
  const dialog = page.getByRole("dialog");
  await dialog.locator(".command", { hasText: command }).waitFor();
  await dialog.getByRole("button", { name: "Do it" }).click();
  await dialog.getByText("Done.").waitFor();
  const printed = await dialog.textContent();
  await dialog.getByRole("button", { name: "Close" }).click();
  await dialog.waitFor({ state: "detached" });
  return printed;
}

/** The name of the console's queue. */
async function consoleQueue() {
  const end = new AbortController();
  const live = await ask(server, "/api/live", { signal: end.signal });
  const { value } = await live.body.getReader().read();
  end.abort();
  return /"queue":"([^"]+)"/.exec(new TextDecoder().decode(value))[1];
}

/** A file with this text. */
async function fileOf(text) {
  const file = join(await mkdtemp(join(tmpdir(), "wab-")), "body");
  await writeFile(file, text);
  return file;
}

test("page_needs_the_token_and_its_own_address", async () => {
  const url = new URL(server.address);
  const status = async (path, headers) => (await fetch(`${url.origin}${path}`, { headers })).status;
  const authorization = `Bearer ${url.hash.replace("#token=", "")}`;
  assert.equal(await status("/api/about", {}), 401);
  assert.equal(await status("/api/about", { authorization: `${authorization}0` }), 401);
  assert.equal(await status("/api/about", { authorization }), 200);
  assert.equal(await status("/api/about", { authorization, origin: "http://example.com" }), 403);
  assert.equal(await status("/api/about", { authorization, origin: url.origin }), 200);
  const post = (body) => fetch(`${url.origin}/api/run`, { method: "POST", body, headers: { authorization, "content-type": "application/json" } });
  assert.equal((await post(JSON.stringify({ args: ["check", "/etc/passwd"], act: false }))).status, 400);
  assert.equal((await post(JSON.stringify({ args: ["resend", "a"], act: false }))).status, 400);
});

test("accepted_callback_is_listed_masked_and_opens", () =>
  on(async (page) => {
    await show(page, "events");
    const id = await send("mo", "--source", NUMBER, "--text", "Kia ora from the test");
    await row(page, "text").last().waitFor();
    const content = await page.content();
    assert.ok(!content.includes("21000001") && !content.includes("Kia ora"), "masked");
    await page.getByLabel("Find by id").fill(id);
    await page.keyboard.press("Enter");
    const message = page.locator("article.message");
    await message.getByText("Callback as it came").waitFor();
    assert.ok(!(await message.textContent()).includes("Kia ora"));
    await message.getByRole("button", { name: "show summary" }).click();
    await message.getByText("Kia ora from the test").first().waitFor();
    assert.ok(!(await message.textContent()).includes("21000001"), "only one field is revealed");
    await page.keyboard.press("Escape");
    await page.keyboard.press("r");
    await row(page, "Kia ora from the test").first().waitFor();
  }));

test("hostile_content_is_a_row_like_others", () =>
  on(async (page) => {
    const script = "<script>window.broken = 1</script><img src=x onerror='window.broken = 1'>";
    const id = await send("mo", "--text", `${script}\u202e\u0007`);
    await show(page, `message/${id}`);
    await page.keyboard.press("r");
    await page.getByText("window.broken").first().waitFor();
    await page.getByText("⟨U+202E⟩").first().waitFor();
    assert.equal(await page.evaluate("window.broken"), undefined);
    assert.equal(await page.locator("main script, main img").count(), 0);
  }));

test("list_is_filtered_paused_and_moved_in_by_keys", () =>
  on(async (page) => {
    await show(page, "events");
    await send("dlr", "--status", "expired");
    await row(page, "expired").last().waitFor();
    await page.getByLabel("Kind").selectOption("mo");
    await row(page, "expired").first().waitFor({ state: "detached" });
    await page.getByLabel("Kind").selectOption("");
    await page.locator(".events-list").focus();
    await page.keyboard.press("p");
    await send("mo", "--type", "sticker");
    await page.getByText("Paused, 1 waiting").waitFor();
    await page.keyboard.press("p");
    await row(page, "sticker").last().waitFor();
    await page.locator(".events-list").focus();
    await page.keyboard.press("End");
    await page.keyboard.press("Enter");
    await page.locator("article.message").getByText("Time line").waitFor();
  }));

test("flow_counts_callbacks_by_kind_and_opens_a_box", () =>
  on(async (page) => {
    const box = (name) => page.locator("a.box", { has: page.getByText(name, { exact: true }) });
    const inDay = async (name) => Number((/([\d\u202f]+) in 24 h/.exec(await box(name).textContent())?.[1] ?? "-1").replace(/\D/g, ""));
    await page.locator(".banner").getByText("read at").waitFor();
    const [mo, dlr] = [await inDay("mo"), await inDay("dlr")];
    await send("mo");
    await send("dlr");
    await send("dlr");
    const give_up = Date.now() + 15_000;
    while ((await inDay("mo")) < mo + 1 || (await inDay("dlr")) < dlr + 2) {
      assert.ok(Date.now() < give_up, await page.locator(".boxes").textContent());
      await page.waitForTimeout(200);
    }
    assert.deepEqual([await inDay("mo"), await inDay("dlr")], [mo + 1, dlr + 2]);
    await box("dlr").click();
    await page.getByRole("button", { name: "wab status DlrErrors" }).click();
    await page.getByText(/DlrErrors is (not )?firing/).waitFor();
  }));

test("conversation_shows_bubbles_masked", () =>
  on(async (page) => {
    const number = `+64${String(Date.now()).slice(-9)}`;
    await send("mo", "--source", number, "--text", "first words");
    await send("mo", "--source", number, "--type", "location");
    await show(page, "conversation");
    await page.getByLabel("Contact").fill(number);
    await page.keyboard.press("Enter");
    const main = page.locator("main");
    await main.getByText("(11 characters)").first().waitFor();
    assert.ok(!(await main.textContent()).includes(number.slice(3)), "masked");
    await page.getByRole("button", { name: "Reveal" }).click();
    await main.getByText("first words").first().waitFor();
  }));

test("hostile_text_is_a_bubble_like_others", () =>
  on(async (page) => {
    const number = `+64${String(Date.now()).slice(-9)}`;
    await send("mo", "--source", number, "--text", "<script>window.broken = 1</script><img src=x onerror='window.broken = 1'>");
    await show(page, "conversation");
    await page.getByLabel("Contact").fill(number);
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Reveal" }).click();
    await page.locator(".bubble", { hasText: "<script>window.broken = 1</script><img" }).waitFor();
    assert.equal(await page.evaluate("window.broken"), undefined);
    assert.equal(await page.locator("main script, main img").count(), 0);
  }));

test("row_with_the_longest_text_is_a_row_like_others", () =>
  on(async (page) => {
    await show(page, "events");
    // Queues take 1 MiB. A larger body is left out of its event.
    const data = { id: "long", source: NUMBER, content: { type: "text", text: { body: `long text ${"x".repeat(1_000_000)}` } } };
    const head = { specversion: "1.0", id: `long-${Date.now()}`, source: "/wab/gateway", type: "wab.mo.v1", subject: "long", datacontenttype: "application/json" };
    await enqueue(await consoleQueue(), JSON.stringify({ ...head, time: new Date().toISOString(), data }));
    await row(page, "(1000010 characters)").last().waitFor();
    await page.keyboard.press("r");
    await row(page, "long text xxx").last().waitFor();
    assert.ok((await row(page, "long text xxx").last().textContent()).length < 500, "cut");
  }));

test("large_message_is_a_row_and_opens_in_parts", () =>
  on(async (page) => {
    // The API takes 5 MB, but a busy machine's emulator doesn't store them in the function's 3.5 s.
    const content = { type: "text", text: { body: `Kia ora ${"x".repeat(2_000_000)}` } };
    const file = await fileOf(JSON.stringify({ id: `large-${Date.now()}`, source: NUMBER, destination: "6421000002", content }));
    await wab("send", "mo", "--file", file);
    await show(page, "events");
    await row(page, "body in the bucket").last().click();
    await page.keyboard.press("r");
    const message = page.locator("article.message");
    await message.getByRole("button", { name: "show more (600 of 2" }).first().click();
    await message.getByRole("button", { name: "show more (50\u202f600 of 2" }).first().waitFor();
    assert.ok((await message.textContent()).length < 200_000, "only a part is in the page");
  }));

test("sample_is_sent_only_after_the_question", () =>
  on(async (page) => {
    await show(page, "act");
    await page.getByRole("button", { name: "video", exact: true }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("wab send mo --type=video").waitFor();
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    await page.getByRole("button", { name: "video", exact: true }).click();
    await dialog.getByRole("button", { name: "Do it" }).click();
    await dialog.getByText("Done.").waitFor();
    await dialog.getByRole("button", { name: "Close" }).click();
    await show(page, "events");
    await row(page, "video").last().waitFor();
  }));

test("edited_sample_several_and_scenario_are_sent", () =>
  on(async (page) => {
    await show(page, "act");
    const answers = page.getByRole("list", { name: "Answers, newest first" });
    const send = (name) => page.getByRole("button", { name, exact: true }).click();
    await page.getByLabel("Other values").fill('content.text.body=Edited words\ncontent.note={"a":1}');
    await send("text");
    await doIt(page, "wab send mo --type=text '--set=content.text.body=Edited words' '--set=content.note={\"a\":1}'");
    await page.getByLabel("Other values").fill("");
    await page.getByLabel("How many").fill("3");
    await send("image");
    assert.match(await doIt(page, "wab send mo --type=image --count=3"), /200 stored +3/);
    await page.getByLabel("How many").fill("");
    await send("delivered");
    await doIt(page, "wab send scenario delivered");
    assert.equal(await answers.locator("> li").count(), 3);
    await answers.locator("> li").last().getByRole("link").click();
    const message = page.locator("article.message");
    await message.getByText("Callback as it came").waitFor();
    await page.keyboard.press("r");
    await message.getByText("Edited words").first().waitFor();
    await message.getByText('"note"').first().waitFor();
  }));

test("sent_message_shows_receipts_with_lags_and_its_events", () =>
  on(async (page) => {
    const printed = await wab("send", "scenario", "delivered");
    const [id] = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/.exec(printed);
    await show(page, `message/${id}`);
    const message = page.locator("article.message");
    await message.getByText("It is received, which is final.").waitFor();
    const steps = message.locator(".time-line").first().locator("li");
    assert.deepEqual(await steps.locator("strong").allTextContents(), ["submitted", "sent", "received"]);
    assert.match(await steps.last().textContent(), /\d\d:\d\d:\d\d\.\d{3} .*(ms|s) later/);
    await message.getByText("Receipt: received").click();
    const receipt = message.locator("details", { hasText: "Receipt: received" });
    await receipt.getByText("Event as it is published").click();
    await receipt.getByText("Message attributes").waitFor();
    await receipt.getByText('"wab.dlr.v1"').waitFor();
  }));

test("message_is_resent_to_a_url_of_ones_own", () =>
  on(async (page) => {
    const received = [];
    const receiver = createServer(async (request, response) => {
      let body = "";
      for await (const part of request) body += part;
      received.push({ path: request.url, event: JSON.parse(body) });
      response.end();
    });
    await new Promise((resolve) => receiver.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${receiver.address().port}/events`;
    const id = await send("mo", "--type", "location");
    await show(page, `message/${id}`);
    await page.getByLabel("Resend to").fill(url);
    await page.getByRole("button", { name: "Resend…" }).click();
    await page.getByRole("dialog").getByText(`Sends 1 event to ${url}, and to nothing else.`).waitFor();
    assert.equal(received.length, 0, "it asks first");
    await doIt(page, `wab resend --to=${url} -- ${id}`);
    receiver.close();
    assert.deepEqual(received.map(({ path, event }) => [path, event.type, event.data.id]), [["/events", "wab.mo.v1", id]]);
  }));

test("message_is_resent_from_its_page", () =>
  on(async (page) => {
    const id = await send("mo", "--type", "image");
    await show(page, `message/${id}`);
    await page.getByRole("button", { name: "Resend…" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("wab resend").first().waitFor();
    await dialog.getByRole("button", { name: "Do it" }).click();
    await dialog.getByText("Done.").waitFor();
    await dialog.getByRole("button", { name: "Close" }).click();
    await show(page, "events");
    await row(page, "replay").last().waitFor();
  }));

test("quarantined_body_is_listed_with_its_reason", () =>
  on(async (page) => {
    await assert.rejects(wab("send", "mo", "--file", await fileOf("no JSON")), /400/);
    const [{ reason }] = JSON.parse(await wab("quarantine", "list", "--json")).quarantined;
    await show(page, "parked");
    await page.getByText("Quarantine", { exact: true }).click();
    await page.locator("main").getByText(reason).first().waitFor();
  }));

test("fault_defers_callbacks_and_loses_none", () =>
  on(async (page) => {
    await show(page, "faults");
    const fault = page.getByRole("switch", { name: "The table rejects writes" });
    await fault.click();
    await page.locator("[role=switch][aria-checked=true]").waitFor();
    const id = await send("mo", "--type", "contacts");
    await assert.rejects(wab("show", id), /nothing is stored/);
    await page.locator("[role=switch][aria-checked=true]").click();
    await page.locator("[role=switch][aria-checked=true]").waitFor({ state: "detached" });
    await show(page, "events");
    await row(page, "contacts").last().waitFor({ timeout: 90_000 });
    assert.match(await wab("show", id), /contacts/);
  }));

test("parked_events_are_redriven_and_discarded", () =>
  on(async (page) => {
    page.setDefaultTimeout(45_000); // a reader that is cut short hides the messages for 30 s
    const fault = page.getByRole("switch", { name: "The topics reject events" });
    const isOn = page.locator("[role=switch][aria-checked=true]");
    const ids = [await send("mo", "--type", "order"), await send("mo", "--type", "order")];
    await show(page, "events");
    await row(page, "order").nth(1).waitFor();
    await show(page, "faults");
    await fault.click();
    await isOn.waitFor();
    // Fanout parks what has waited 10 minutes.
    for (const id of ids) await handOver(id, 11);
    await isOn.click();
    await isOn.waitFor({ state: "detached" });

    const parked = JSON.parse(await wab("parked", "list", "--json")).messages;
    const rowOf = async (id) => {
      const { items: [{ event_id: eventId }] } = JSON.parse(await wab("show", id, "--json"));
      return { eventId, row: page.locator(`button[data-id="${parked.find((message) => message.event_id === eventId).id}"]`) };
    };
    const [redriven, discarded] = [await rowOf(ids[0]), await rowOf(ids[1])];
    await show(page, "parked");
    await redriven.row.click();
    await page.getByText("publish it").waitFor();
    await page.getByRole("button", { name: "Redrive it" }).click();
    await page.getByRole("dialog").getByText("Dry run").waitFor();
    await doIt(page, `wab parked redrive --event-id=${redriven.eventId}`);
    await redriven.row.waitFor({ state: "detached" });

    await discarded.row.click();
    await page.getByRole("button", { name: "Discard it" }).click();
    await doIt(page, `wab parked discard -- ${await discarded.row.getAttribute("data-id")}`);
    await discarded.row.waitFor({ state: "detached" });
    assert.ok(!(await wab("parked", "list")).includes(discarded.eventId));

    await show(page, "events");
    await page.getByLabel("Type or status").fill("order");
    // Until the list is filtered, it may show what other tests have published again.
    const again = row(page, "order").filter({ hasText: "again" });
    await again.waitFor();
    assert.equal(await again.count(), 1, "one is published again");
  }));

test("lost_queue_is_made_again", () =>
  on(async (page) => {
    const [, name] = /^wab-listen-.*-(console-.+)$/.exec(await consoleQueue());
    await wab("listen", "--remove", "--name", name);
    await page.getByText("✘ not live").or(page.getByText("● live")).first().waitFor();
    await show(page, "events");
    // Events that are published while there is no queue are stored, but not listed.
    const listed = row(page, "sticker").last().waitFor({ timeout: 60_000 });
    let isListed = false;
    void listed.then(() => (isListed = true));
    while (!isListed) await send("mo", "--type", "sticker").then(() => page.waitForTimeout(500));
    await listed;
  }));

test("doctor_and_cost_answer", () =>
  on(async (page) => {
    await show(page, "doctor");
    await page.getByText("wab doctor").or(page.getByText(/ok/)).first().waitFor();
    await show(page, "cost");
    await page.getByText("SNS", { exact: true }).waitFor();
    await page.getByText("a month", { exact: false }).first().waitFor();
  }));

test("views_are_reached_by_keys", () =>
  on(async (page) => {
    for (const [key, title] of [["e", "Events"], ["d", "Doctor"], ["u", "Cost"], ["f", "Flow"]]) {
      await page.keyboard.press("g");
      await page.keyboard.press(key);
      await page.waitForFunction((expected) => document.title.startsWith(expected), title);
    }
    await page.keyboard.press("?");
    await page.getByRole("dialog").getByText("Keys").waitFor();
  }));

for (const [colorScheme, width] of [["light", 1280], ["dark", 1280], ["light", 390], ["dark", 390]]) {
  test(`every_view_is_accessible_${colorScheme}_${width}`, () =>
    on(async (page) => {
      for (const view of VIEWS) {
        await show(page, view);
        await page.waitForFunction(() => !/Reading .*…/.test(document.querySelector("main").textContent), null, { timeout: 60_000 });
        assert.deepEqual(await violations(page), [], view);
        const overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
        assert.ok(overflow <= 0, `${view} is ${overflow} px too wide`);
      }
    }, { colorScheme, viewport: { width, height: 800 } }));
}

test("list_is_bounded_in_memory_and_in_rows", () =>
  on(async (page) => {
    const row = (seq) => ({ seq, shown_at: Date.now(), again: false, kind: "mo", event_id: `${seq}`, id: `${seq}`, type: seq % 1_000 ? "text" : "order", received_at: new Date().toISOString() });
    const lines = Array.from({ length: 24 }, (_, batch) => ({ rows: Array.from({ length: 500 }, (_, index) => row(batch * 500 + index + 1)) }));
    const stream = [{ connected: { queue: "made-up", waiting: 0, run: "made-up" } }, ...lines].map((line) => `${JSON.stringify(line)}\n`).join("");
    // Once; what the page asks for afterwards isn't answered.
    await page.route("**/api/live?after=*", (route) => void (/after=0$/.test(route.request().url()) && route.fulfill({ body: stream })));
    await page.reload();
    await show(page, "events");
    await page.getByText(/^10.000 of 10.000 shown, following$/).waitFor();
    const shown = page.locator(".events-body .event");
    await page.locator(".events-list").focus();
    for (const [key, index, seq] of [["Home", 2, 2_001], ["End", 10_001, 12_000], ["Home", 2, 2_001]]) {
      await page.keyboard.press(key);
      await page.locator(`.events-body .event[aria-rowindex='${index}']`, { hasText: `${seq}` }).waitFor();
      assert.ok((await shown.count()) < 60, "only visible rows are in the document");
    }
    // A filter that makes a long list short, at its end.
    await page.keyboard.press("End");
    await page.locator(".events-body .event[aria-rowindex='10001']").waitFor();
    const fewest = page.evaluate(() => new Promise((resolve) => {
      const body = document.querySelector(".events-body");
      let fewest = body.children.length;
      new MutationObserver(() => (fewest = Math.min(fewest, body.children.length))).observe(body, { childList: true });
      setTimeout(() => resolve(fewest), 1_000);
    }));
    await page.getByLabel("Type or status").fill("order");
    await page.getByText(/^10 of 10.000 shown/).waitFor();
    assert.equal(await fewest, 10, "the list is never empty in between");
  }));

test("read_only_console_refuses_to_act", async () => {
  const other = await startConsole("--read-only");
  const { page, faults, close } = await openPage(browser, other.address);
  await show(page, "act");
  await page.getByRole("button", { name: "location", exact: true }).click();
  await page.getByRole("dialog").getByText("read-only").waitFor();
  assert.ok(await page.getByRole("button", { name: "Do it" }).isDisabled());
  assert.deepEqual(faults, []);
  await close();
  assert.equal(await other.end(), 0);
});

// The last test: the stack that it starts is empty.
test("restarted_stack_is_followed_again", () =>
  on(async (page) => {
    await show(page, "flow");
    const start = await stopStack();
    await page.getByText("✘ not live, retrying").waitFor({ timeout: 60_000 });
    // It isn't looked for on AWS.
    await page.locator(".banner").getByText("the local stack isn't running").waitFor({ timeout: 60_000 });
    await start();
    await page.getByText("● live").waitFor({ timeout: 60_000 });
    await page.locator(".banner").getByText("read at").waitFor();
    await send("mo", "--type", "system");
    await show(page, "events");
    await row(page, "system").last().waitFor({ timeout: 60_000 });
  }, { allowed: /502/ }));
