/** @file The server's API: the token, requests, and the live stream. */

/** @typedef {{local: {endpoint: string}} | {deployed: {account: string, region: string, name: string}}} Stack */

/**
 * @typedef {object} About
 * @property {string} version
 * @property {Stack} stack
 * @property {string} place the stack, in words
 * @property {boolean} local
 * @property {boolean} read_only
 * @property {{mo: string[], dlr: string[]}} samples
 * @property {{name: string, about: string}[]} scenarios
 * @property {{name: string, title: string, about: string}[]} faults
 */

/**
 * What a command of `wab` answered.
 * @typedef {{command: string, exit: number, json: any, out: string, err: string}} RunResult
 */

/**
 * An action to confirm. With `dry`, that command is run first and its output is shown.
 * @typedef {object} Action
 * @property {string} title what the action is, as a short command: "Discard 3 messages"
 * @property {string} text what it will do, and to whom
 * @property {string[]} args the arguments of `wab`
 * @property {string[]} [dry] the arguments of the dry run, a reading command
 * @property {(report: any) => import("./dom.js").Child} [describe] the report of the dry run
 * @property {boolean} [danger] it deletes something for good
 */

/**
 * @typedef {object} Reveal
 * @property {boolean} on whether numbers, names and texts are shown
 * @property {(on: boolean) => void} set
 * @property {(listener: (on: boolean) => void) => (() => void)} subscribe
 */

/**
 * @typedef {object} App
 * @property {About} about
 * @property {Api} api
 * @property {import("./store.js").Store} store
 * @property {import("./store.js").Status} status
 * @property {(hash: string) => void} go shows `#/…`, for example `go("#/message/ID")`
 * @property {Reveal} reveal
 * @property {(action: Action) => Promise<RunResult | null>} confirm null if it was cancelled
 * @property {(text: string) => void} announce tells screen readers
 * @property {string[]} path what follows the view's name in the hash, decoded: `#/message/ID` has `["ID"]`
 */

/**
 * @typedef {object} View
 * @property {string} name
 * @property {string} title
 * @property {string} key the view is shown by the keys `g` and this one
 * @property {[string, string][]} [keys] other keys of the view, and what they do, for the help
 * @property {(root: HTMLElement, app: App) => (() => void)} mount returns what unmounts it
 */

/** An answer other than 2xx, or none (status 0). The message is a sentence. */
export class Problem extends Error {
  /** @param {number} status @param {string} text */
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

export const NO_TOKEN = "This page needs its token: open the address that `wab console` printed.";
const RESTARTED = "The console was restarted: open the address that it printed now.";
const UNREACHABLE = "The console doesn't answer. Is `wab console` still running?";
const TOKEN = "wab-console-token";
const SHORTEST_WAIT = 500;
const LONGEST_WAIT = 10_000;
const SILENCE = 30_000;

/** Takes the token out of the address bar, or from an earlier load of this tab. */
export function takeToken() {
  const fromAddress = /^#token=([0-9a-f]+)$/i.exec(location.hash)?.[1];
  if (fromAddress) {
    sessionStorage.setItem(TOKEN, fromAddress);
    history.replaceState(null, "", location.pathname);
  }
  return sessionStorage.getItem(TOKEN);
}

/** The text of anything that was thrown. @param {unknown} error */
export function textOf(error) {
  return error instanceof Error ? error.message : String(error);
}

export class Api {
  /** @param {string} token */
  constructor(token) {
    this.token = token;
  }

  /** @param {string} path @param {AbortSignal} [signal] @returns {Promise<any>} */
  async get(path, signal) {
    return (await this.request(path, { signal })).json();
  }

  /** @param {string} path @param {unknown} body @returns {Promise<any>} */
  async post(path, body) {
    const headers = { "content-type": "application/json" };
    return (await this.request(path, { method: "POST", headers, body: JSON.stringify(body) })).json();
  }

  /** Runs a reading command. @param {string[]} args @returns {Promise<RunResult>} */
  run(args) {
    return this.post("/api/run", { args, act: false });
  }

  /** The report of a reading command. @param {string[]} args @returns {Promise<any>} */
  async report(args) {
    const { json, err, exit } = await this.run(args);
    if (json === null) throw new Problem(0, err.trim() || `wab ended with exit code ${exit}.`);
    return json;
  }

  /**
   * Runs a command that changes something. Use `app.confirm`, which asks first.
   * @param {string[]} args
   * @returns {Promise<RunResult>}
   */
  act(args) {
    return this.post("/api/run", { args, act: true });
  }

  /** @param {string} path @param {RequestInit} init @returns {Promise<Response>} */
  async request(path, init) {
    const headers = { ...init.headers, authorization: `Bearer ${this.token}` };
    const response = await fetch(path, { ...init, headers, cache: "no-store" }).catch((error) => {
      throw init.signal?.aborted ? error : new Problem(0, UNREACHABLE);
    });
    if (response.ok) return response;
    throw new Problem(response.status, response.status === 401 ? RESTARTED : await problemOf(response));
  }

  /**
   * Reads the live stream, and connects again when it ends, except after 401.
   * @param {() => number} after the last seq that was seen
   * @param {(line: any) => void} onLine
   * @param {(problem: Problem) => void} onLost
   * @returns {() => void} ends it
   */
  live(after, onLine, onLost) {
    const end = new AbortController();
    void this.keepReading(after, onLine, onLost, end.signal);
    return () => end.abort();
  }

  /**
   * @param {() => number} after
   * @param {(line: any) => void} onLine
   * @param {(problem: Problem) => void} onLost
   * @param {AbortSignal} end
   */
  async keepReading(after, onLine, onLost, end) {
    let wait = SHORTEST_WAIT;
    const take = (/** @type {any} */ line) => {
      wait = SHORTEST_WAIT;
      onLine(line);
    };
    while (!end.aborted) {
      const problem = await this.readOnce(after(), take, end);
      if (end.aborted) return;
      onLost(problem);
      if (problem.status === 401) return;
      await sleep(wait);
      wait = Math.min(wait * 2, LONGEST_WAIT);
    }
  }

  /**
   * @param {number} after
   * @param {(line: any) => void} onLine
   * @param {AbortSignal} end
   * @returns {Promise<Problem>} why it ended
   */
  async readOnce(after, onLine, end) {
    const silence = new AbortController();
    let timer = setTimeout(() => silence.abort(), SILENCE);
    const stop = () => silence.abort();
    end.addEventListener("abort", stop, { once: true });
    try {
      const response = await this.request(`/api/live?after=${after}`, { signal: silence.signal });
      for await (const line of lines(response)) {
        clearTimeout(timer);
        timer = setTimeout(() => silence.abort(), SILENCE);
        onLine(JSON.parse(line));
      }
      return new Problem(0, UNREACHABLE);
    } catch (error) {
      return error instanceof Problem ? error : new Problem(0, UNREACHABLE);
    } finally {
      clearTimeout(timer);
      end.removeEventListener("abort", stop);
    }
  }
}

/** @param {Response} response */
async function* lines(response) {
  const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
  const decoder = new TextDecoder();
  let rest = "";
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    const whole = (rest + decoder.decode(part.value, { stream: true })).split("\n");
    rest = whole.pop() ?? "";
    yield* whole.filter((line) => line !== "");
  }
}

/** @param {Response} response */
async function problemOf(response) {
  const body = await response.json().catch(() => null);
  return String(body?.problem ?? `The console answered ${response.status}.`);
}

/** @param {number} milliseconds */
function sleep(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
