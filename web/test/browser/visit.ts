// A reader of the page, who notes what went over the wire and what went wrong.

import { readFileSync } from "node:fs";
import type { Browser, BrowserContext, BrowserContextOptions, Locator, Page } from "playwright-core";
import type { Message, ResumePoint } from "../../src/protocol";
import { parse } from "../../src/protocol";
import { isNumbered } from "../../src/store";
import type { Event } from "./daemon";
import { check, fail, same, sleep, until } from "./wait";

/** What a browser says by itself while there is no server. */
export const kNoNetwork = /net::ERR_(CONNECTION_(REFUSED|RESET|CLOSED)|EMPTY_RESPONSE|INTERNET_DISCONNECTED|NETWORK_CHANGED|SOCKET_NOT_CONNECTED)|WebSocket connection to .* failed/;

export interface Reader {
  browser: Browser;
  /** Where the page's files are taken from; empty: as the daemon serves them. */
  dist: string;
}

interface Wire {
  sent: { type: string; resume?: ResumePoint[] }[];
  got: Message[];
}

export interface CardState {
  stream: string;
  seq: number;
  state: string;
  label: string;
  word: string;
  certainty: string;
  gaps: boolean;
  /** Of the graph: what it looks like, and how many of its pixels have a colour. */
  graph: number;
  coloured: number;
}

export class Visit {
  readonly wires: Wire[] = [];
  /** What went wrong, but for what is excused. */
  readonly problems: string[] = [];
  excused: RegExp | null = null;
  /** Answers of the history so far. */
  asked = 0;
  page!: Page;

  private constructor(readonly context: BrowserContext, readonly base: string) {}

  static async open({ browser, dist }: Reader, base: string, options: BrowserContextOptions = {}): Promise<Visit> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: "en-GB", timezoneId: "UTC", ...options });
    context.setDefaultTimeout(20_000);
    const visit = new Visit(context, base);
    await context.exposeBinding("tellViolation", (_, text: string) => visit.#problem(`Content-Security-Policy: ${text}`));
    await context.addInitScript(() => {
      document.addEventListener("securitypolicyviolation", (event) => {
        const { tellViolation } = window as unknown as { tellViolation(text: string): void };
        tellViolation(`${event.violatedDirective} ${event.blockedURI}`);
      });
    });
    if (dist !== "") {
      const files: Record<string, string> = { "": "index.html", "app.js": "app.js", "app.css": "app.css" };
      const isFile = (url: URL): boolean => url.href.startsWith(base) && url.pathname.slice(1) in files;
      await context.route(isFile, async (route) => {
        const response = await route.fetch();
        await route.fulfill({ response, body: readFileSync(`${dist}/${files[new URL(route.request().url()).pathname.slice(1)]}`) });
      });
    }
    visit.page = await context.newPage();
    visit.#watch(visit.page);
    await visit.page.goto(base);
    return visit;
  }

  #watch(page: Page): void {
    page.on("console", (message) => {
      if (message.type() === "error") this.#problem(`console: ${message.text()}`);
    });
    page.on("pageerror", (error) => this.#problem(`error: ${error.stack ?? error.message}`));
    page.on("request", (request) => this.#own(request.url()));
    page.on("response", (response) => {
      if (response.status() >= 400) this.#problem(`${response.url()} answers ${response.status()}`);
      else if (response.url().includes("/v1/history")) ++this.asked;
    });
    page.on("websocket", (socket) => {
      this.#own(socket.url().replace(/^ws/, "http"));
      const wire: Wire = { sent: [], got: [] };
      this.wires.push(wire);
      socket.on("framesent", ({ payload }) => wire.sent.push(JSON.parse(payload.toString())));
      socket.on("framereceived", ({ payload }) => {
        const message = parse(payload.toString());
        if (message) wire.got.push(message);
        else this.#problem(`no message: ${payload.toString()}`);
      });
    });
  }

  #problem(text: string): void {
    if (!this.excused?.test(text)) this.problems.push(text);
  }

  #own(url: string): void {
    if (!url.startsWith(this.base) && !/^(data|blob):/.test(url)) this.#problem(`asked for ${url}`);
  }

  get(id: string): Locator {
    return this.page.getByTestId(id);
  }

  card(stream: string): Locator {
    return this.page.locator(`[data-testid="card"][data-stream="${stream}"]`);
  }

  async status(): Promise<string> {
    return (await this.get("status").getAttribute("data-state")) ?? "";
  }

  async becomes(status: string, ms = 30_000): Promise<void> {
    let last = "";
    await until(ms, () => `the status ${status}; it is ${last}`, async () => (last = await this.status()) === status);
  }

  /** The events of the stream that came in answer to the page's own subscriptions, as they came. */
  heard(stream: string): Event[] {
    return this.wires.flatMap(({ got }) => {
      const begin = got.findIndex(({ type }) => type === "subscribed");
      if (begin < 0) return [];
      return got.slice(begin).filter((message): message is Event => isNumbered(message) && message.stream === stream);
    });
  }

  /** The numbers that the page itself says it has of the present epoch. */
  events(stream: string): Promise<number[]> {
    return this.page.evaluate((name) => window.emotiond.events(name), stream);
  }

  holes(): Promise<{ stream: string; epoch: string; from: number; to: number | null; reason: string }[]> {
    return this.page.evaluate(() => [...window.emotiond.holes()]);
  }

  cards(): Promise<CardState[]> {
    return this.page.getByTestId("card").evaluateAll((cards) =>
      cards.map((card) => {
        const canvas = card.querySelector("canvas")!;
        const small = new OffscreenCanvas(96, 32).getContext("2d")!;
        small.drawImage(canvas, 0, 0, 96, 32);
        const { data } = small.getImageData(0, 0, 96, 32);
        let graph = 0x811c9dc5;
        let coloured = 0;
        for (let i = 0; i < data.length; i += 4) {
          const [r, g, b] = [data[i]!, data[i + 1]!, data[i + 2]!];
          if (data[i + 3]! > 0 && Math.max(r, g, b) - Math.min(r, g, b) > 40) ++coloured;
          graph = Math.imul(graph ^ (r | (g << 8) | (b << 16)), 0x01000193) >>> 0;
        }
        const told = (name: string): string => card.getAttribute(`data-${name}`) ?? "";
        return {
          stream: told("stream"), seq: Number(told("seq")), state: told("state"), label: told("label"),
          word: card.querySelector("[data-testid=card-label]")?.textContent ?? "", certainty: told("certainty"),
          gaps: !(card.querySelector("[data-testid=card-gap]") as HTMLElement).hidden, graph, coloured,
        };
      }),
    );
  }

  /** Waits until the page has so many events more than `before` of every stream. */
  async more(streams: readonly string[], count: number, before: ReadonlyMap<string, number> = new Map(), ms = 60_000): Promise<void> {
    let have: string[] = [];
    await until(ms, () => `${count} events more of every stream; there are ${have.join(", ")}`, async () => {
      const counts = await Promise.all(streams.map(async (stream) => (await this.events(stream)).length - (before.get(stream) ?? 0)));
      have = streams.map((stream, i) => `${stream} ${counts[i]}`);
      return counts.every((got) => got >= count);
    });
  }

  /** Nothing may have gone wrong so far. */
  async fine(): Promise<void> {
    await sleep(200);
    if (this.problems.length > 0) fail(this.problems.slice(0, 5).join("\n"));
  }
}

/** Runs `act` with a page that shows what `base` serves; all must be well with it until the end. */
export async function visited(
  reader: Reader,
  base: string,
  act: (visit: Visit) => Promise<void>,
  options: BrowserContextOptions = {},
): Promise<void> {
  const visit = await Visit.open(reader, base, options);
  try {
    await act(visit);
    await visit.fine();
  } catch (error) {
    if (error instanceof Error && visit.problems.length > 0) error.message += `\nand before that: ${visit.problems.slice(0, 5).join("\n")}`;
    throw error;
  } finally {
    await visit.context.close();
  }
}

export function upTo(last: number): number[] {
  return Array.from({ length: last }, (_, i) => i + 1);
}

/**
 * What came of the stream must be, for each of `epochs`, all events from the first on, in order and
 * each once; of the last one the page's own list must be the same. Gives the last number of each.
 */
export async function unbroken(visit: Visit, stream: string, epochs: readonly string[]): Promise<number[]> {
  const own = await visit.events(stream);
  const heard = visit.heard(stream);
  const order = [...new Set(heard.map(({ epoch }) => epoch))];
  same(`the epochs of ${stream}`, order, epochs.filter((epoch) => order.includes(epoch)));
  const last = epochs.map((epoch) => {
    const numbers = heard.filter((event) => event.epoch === epoch).map(({ seq }) => seq);
    same(`what came of ${stream} in epoch ${epoch}`, numbers, upTo(numbers.length));
    return numbers.length;
  });
  check(heard.every((event, i) => i === 0 || epochs.indexOf(event.epoch) >= epochs.indexOf(heard[i - 1]!.epoch)), `the epochs of ${stream} are mixed`);
  same(`what the page says it has of ${stream}`, own, upTo(own.length));
  check(own.length > 0 && own.length <= last.at(-1)!, `the page has ${own.length} events of ${stream}, ${last.at(-1)} came`);
  return last;
}
