// The daemon under test: the real one, as a child process.

import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Message, Numbered } from "../../src/protocol";
import { isNumbered } from "../../src/store";
import { fail, until, within } from "./wait";

export type Event = Message & Numbered;

export interface Installation {
  binary: string;
  bundles: string;
  /** Where the history lies. */
  folder: string;
}

const running = new Set<ChildProcess>();

/** What must be done before the test ends, however it ends. */
export function killAll(): void {
  for (const child of running) child.kill("SIGKILL");
}

let count = 0;

export class Daemon {
  /** Where the page is; the same after a restart. */
  port = 0;
  /** The epochs of its runs so far, oldest first. */
  readonly epochs: string[] = [];
  readonly #history: string;
  readonly #token: string;
  #child: ChildProcess | null = null;
  #log: string[] = [];

  constructor(
    private readonly at: Installation,
    private readonly sources: string[],
    private readonly more: string[] = [],
    { token = "", history = true } = {},
  ) {
    this.#token = token;
    this.#history = history ? `${at.folder}/history${++count}.db` : "";
  }

  get base(): string {
    return `http://127.0.0.1:${this.port}/`;
  }

  get runs(): boolean {
    return this.#child !== null;
  }

  /** The newest lines that it logged. */
  get log(): string {
    return this.#log.slice(-8).join("\n");
  }

  async start(): Promise<void> {
    const child = spawn(
      this.at.binary,
      [
        "run", ...this.sources.flatMap((source) => ["--source", source]), "--loop", "--print", "none", "--server.tcp=127.0.0.1:0",
        `--server.http=127.0.0.1:${this.port}`, `--history.path=${this.#history}`, ...this.more,
      ],
      { stdio: ["ignore", "ignore", "pipe"], env: { ...process.env, EMOTIOND_BUNDLE_DIR: this.at.bundles } },
    );
    running.add(child);
    this.#child = child;
    this.#log = [];
    const ready = new Promise<number>((resolve, reject) => {
      createInterface({ input: child.stderr! }).on("line", (line) => {
        this.#log.push(line);
        const told = /dashboard on http:\/\/127\.0\.0\.1:(\d+)\//.exec(line);
        if (told) resolve(Number(told[1]));
      });
      child.on("error", (error) => reject(new Error(`${this.at.binary}: ${error.message}`)));
      child.on("exit", (code, signal) => {
        running.delete(child);
        if (this.#child === child) this.#child = null;
        reject(new Error(`the daemon ended (${code ?? signal}):\n${this.log}`));
      });
    });
    ready.catch(() => {});
    this.port = await within(30_000, "the daemon to start", ready);
    const streams = await this.json<{ epoch: string }>("v1/streams");
    this.epochs.push(streams.epoch);
  }

  /** True when it ended in order. */
  async stop(signal: "SIGTERM" | "SIGKILL"): Promise<boolean> {
    const child = this.#child;
    if (!child) return true;
    const ended = new Promise<boolean>((resolve) => child.on("exit", (code) => resolve(code === 0)));
    child.kill(signal);
    return within(10_000, `the daemon to end after ${signal}`, ended);
  }

  /** The streams that it serves. */
  async streams(): Promise<string[]> {
    return (await this.json<{ streams: { stream: string }[] }>("v1/streams")).streams.map(({ stream }) => stream);
  }

  /** What is recorded, all of it or of a range. */
  async recorded(query: Record<string, string> = {}): Promise<Event[]> {
    const events: Event[] = [];
    let cursor: string | null = null;
    do {
      const page: { events: Message[]; next: string | null } = await this.json("v1/history", {
        limit: "10000", ...query, ...(cursor === null ? {} : { cursor }),
      });
      events.push(...page.events.filter((event): event is Event => isNumbered(event)));
      cursor = page.next;
    } while (cursor !== null);
    return events;
  }

  /** Waits until what is recorded goes back for `ms`. */
  async age(ms: number): Promise<void> {
    const first = Date.parse((await this.json<{ events: Event[] }>("v1/history", { limit: "1" })).events[0]?.time ?? "");
    if (Number.isNaN(first)) fail("nothing is recorded");
    await until(ms + 5_000, `a history of ${ms / 1000} s`, () => Date.now() - first >= ms);
  }

  async json<T>(path: string, query: Record<string, string> = {}): Promise<T> {
    const response = await fetch(`${this.base}${path}?${new URLSearchParams(query)}`, {
      headers: this.#token ? { Authorization: `Bearer ${this.#token}` } : {},
      signal: AbortSignal.timeout(10_000),
    });
    if (!response.ok) fail(`${path} answers ${response.status}`);
    return (await response.json()) as T;
  }
}

/** A token for `name` and the entry that makes a server know it. */
export async function makeToken(at: Installation, name: string): Promise<{ token: string; entry: string }> {
  const child = spawn(at.binary, ["token", name], { stdio: ["ignore", "pipe", "pipe"] });
  running.add(child);
  let entry = "";
  let told = "";
  child.stdout.on("data", (part: Buffer) => (entry += part.toString()));
  child.stderr.on("data", (part: Buffer) => (told += part.toString()));
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  const code = await within(10_000, "emotiond token", ended);
  running.delete(child);
  const token = told.trim().split(/\s+/).at(-1);
  if (code !== 0 || !token) fail(`emotiond token: ${told}`);
  return { token, entry };
}
