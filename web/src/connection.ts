// The WebSocket: it subscribes with what the page has seen, hears, and comes back by itself.

import type { Hello, Message, Pong, ResumePoint, Subscribed } from "./protocol";
import { parse } from "./protocol";

export type Status =
  | { kind: "connecting" }
  | { kind: "catching-up" }
  | { kind: "live" }
  | { kind: "waiting"; until: number; why: string }
  | { kind: "token"; refused: string };

/** The part of a WebSocket that is used here. */
export interface Socket {
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  send(text: string): void;
  close(): void;
}

export interface Hooks {
  open(): Socket;
  token(): string | null;
  forgetToken(): void;
  hello(hello: Hello): void;
  resume(): ResumePoint[];
  subscribed(message: Subscribed): void;
  message(message: Message): void;
  pong(message: Pong, sent: number): void;
  status(status: Status): void;
}

const kLongest = 15_000;
const kLongestCommand = 60_000;
const kPingAfter = 10_000;
const kDeadAfter = 25_000;
const kAnswerWithin = 15_000;

/** How long to wait before attempt `attempt`, counted from 0: doubling, and never two pages at once. */
export function backoff(attempt: number, random: number): number {
  const most = Math.min(kLongest, 500 * 2 ** Math.min(attempt, 10));
  return Math.round(most * (0.5 + random / 2));
}

/** The command; a server takes no longer one than 64 KiB: who does not fit in is heard from now on. */
export function subscription(request: string, resume: ResumePoint[]): object {
  const command = { type: "subscribe", request_id: request, on_overflow: "drop_oldest", resume: [...resume] };
  while (new TextEncoder().encode(JSON.stringify(command)).length > kLongestCommand) command.resume.length = Math.floor(command.resume.length * 0.9);
  return command;
}

export class Connection {
  status: Status = { kind: "connecting" };
  #socket: Socket | null = null;
  #attempt = 0;
  #request = 0;
  #waiting = "";
  #retry: ReturnType<typeof setTimeout> | undefined;
  #heard = 0;
  #asked = 0;
  #pinged = 0;
  #why = "";

  constructor(private readonly hooks: Hooks) {}

  start(): void {
    setInterval(() => this.#watch(), 5_000);
    this.#connect();
  }

  /** At once, where it waits for the next attempt or for a token. */
  again(): void {
    if (this.status.kind === "waiting" || this.status.kind === "token") this.#connect();
  }

  #set(status: Status): void {
    this.status = status;
    this.hooks.status(status);
  }

  #connect(): void {
    clearTimeout(this.#retry);
    this.#drop();
    this.#set({ kind: "connecting" });
    this.#why = "";
    this.#heard = this.#asked = Date.now();
    this.#pinged = 0;
    this.#waiting = "";
    let socket: Socket;
    try {
      socket = this.hooks.open();
    } catch (error) {
      this.#why = (error as Error).message;
      this.#lost();
      return;
    }
    this.#socket = socket;
    socket.onmessage = (event: { data: unknown }) => {
      this.#heard = Date.now();
      const message = typeof event.data === "string" ? parse(event.data) : null;
      if (message) this.#hear(message);
    };
    socket.onclose = () => this.#lost();
  }

  /** Lets go of the socket without hearing of its end. */
  #drop(): void {
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onmessage = socket.onclose = null;
    try {
      socket.close();
    } catch {
      // It was no connection yet.
    }
  }

  #lost(): void {
    this.#drop();
    if (this.status.kind === "token") return;
    const wait = backoff(this.#attempt++, Math.random());
    this.#set({ kind: "waiting", until: Date.now() + wait, why: this.#why });
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#connect(), wait);
  }

  #send(message: object): void {
    try {
      this.#socket?.send(JSON.stringify(message));
    } catch {
      // Its end will be heard of.
    }
  }

  #hear(message: Message): void {
    switch (message.type) {
      case "hello":
        if (message.auth) this.#authorise();
        else this.#subscribe(message);
        return;
      case "subscribed":
        if (message.request_id !== this.#waiting) return;
        this.#waiting = "";
        this.hooks.subscribed(message);
        this.#attempt = 0;
        this.#set({ kind: "live" });
        return;
      case "pong":
        this.hooks.pong(message, this.#pinged);
        return;
      case "error":
        if (message.code === "not_authorised") {
          this.#set({ kind: "token", refused: this.hooks.token() === null ? "" : message.message });
          this.hooks.forgetToken();
          this.#drop();
          return;
        }
        if (message.fatal || this.#waiting) this.#why = message.message;
        this.hooks.message(message);
        return;
      default:
        // Until the answer comes it belongs to the subscription before.
        if (this.status.kind === "live") this.hooks.message(message);
    }
  }

  #authorise(): void {
    const token = this.hooks.token();
    if (token !== null) {
      this.#send({ type: "auth", token });
      return;
    }
    this.#set({ kind: "token", refused: "" });
    this.#drop();
  }

  #subscribe(hello: Hello): void {
    this.hooks.hello(hello);
    this.#waiting = `s${++this.#request}`;
    this.#asked = Date.now();
    this.#set({ kind: "catching-up" });
    // The answer to the first tells the server's time before there are events to be placed in it.
    this.#ping();
    this.#send(subscription(this.#waiting, this.hooks.resume()));
  }

  #ping(): void {
    this.#pinged = Date.now();
    this.#send({ type: "ping" });
  }

  #watch(): void {
    if (!this.#socket) return;
    const now = Date.now();
    if (now - this.#heard > kDeadAfter || (this.status.kind !== "live" && now - this.#asked > kAnswerWithin)) {
      this.#why ||= "the server did not answer";
      this.#lost();
    } else if (this.status.kind === "live" && now - Math.max(this.#heard, this.#pinged) > kPingAfter) {
      this.#ping();
    } else if (this.status.kind === "live" && now - this.#pinged > 60_000) {
      this.#ping();
    }
  }
}
