import assert from "node:assert/strict";
import { test } from "node:test";
import type { Status } from "../src/connection";
import { backoff, Connection, subscription } from "../src/connection";
import type { Message } from "../src/protocol";

class FakeSocket {
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: never) => void) | null = null;
  onclose: ((event: never) => void) | null = null;
  readonly sent: Record<string, unknown>[] = [];
  closed = false;
  send(text: string): void {
    this.sent.push(JSON.parse(text) as Record<string, unknown>);
  }
  close(): void {
    this.closed = true;
  }
  say(message: object): void {
    this.onmessage?.({ data: JSON.stringify(message) } as never);
  }
  answer(): Record<string, unknown> | undefined {
    return this.sent.find((message) => message.type === "subscribe");
  }
}

function connect(token: string | null = null) {
  const sockets: FakeSocket[] = [];
  const heard: Message[] = [];
  const states: Status["kind"][] = [];
  const held = { token };
  const connection = new Connection({
    open: () => {
      const socket = new FakeSocket();
      sockets.push(socket);
      return socket;
    },
    token: () => held.token,
    forgetToken: () => (held.token = null),
    hello: () => {},
    resume: () => [{ epoch: "a", stream: "desk07", after_seq: 960 }],
    subscribed: () => {},
    message: (message) => heard.push(message),
    pong: () => {},
    status: (status) => states.push(status.kind),
  });
  return { connection, sockets, heard, states, held };
}

const hello = { v: 1, type: "hello", epoch: "a", server: "emotiond", auth: false, models: [], streams: [] };
const emotion = { v: 1, type: "emotion", epoch: "a", stream: "desk07", seq: 961, time: "2026-01-01T00:00:00Z" };

test("It subscribes with what was seen and hears nothing before the answer", (t) => {
  t.mock.timers.enable({ apis: ["setInterval", "setTimeout"] });
  const { connection, sockets, heard, states } = connect();
  connection.start();
  const socket = sockets[0]!;
  socket.say(hello);
  socket.say(emotion);
  assert.equal(heard.length, 0);
  const subscribe = socket.answer()!;
  assert.deepEqual(subscribe.resume, [{ epoch: "a", stream: "desk07", after_seq: 960 }]);
  socket.say({ type: "subscribed", request_id: "another", streams: [] });
  socket.say(emotion);
  assert.equal(heard.length, 0);
  socket.say({ type: "subscribed", request_id: subscribe.request_id, streams: [] });
  socket.say(emotion);
  assert.equal(heard.length, 1);
  assert.deepEqual(states, ["connecting", "catching-up", "live"]);
});

test("It comes back by itself", (t) => {
  t.mock.timers.enable({ apis: ["setInterval", "setTimeout"] });
  const { connection, sockets, states } = connect();
  connection.start();
  sockets[0]!.onclose?.({} as never);
  assert.equal(states.at(-1), "waiting");
  t.mock.timers.tick(500);
  assert.equal(sockets.length, 2);
  sockets[1]!.onclose?.({} as never);
  connection.again();
  assert.equal(sockets.length, 3);
});

test("A server that wants a token gets it, and is left where there is none or it is wrong", (t) => {
  t.mock.timers.enable({ apis: ["setInterval", "setTimeout"] });
  const { connection, sockets, states, held } = connect();
  connection.start();
  sockets[0]!.say({ ...hello, auth: true });
  assert.equal(states.at(-1), "token");
  assert.equal(sockets[0]!.closed, true);
  t.mock.timers.tick(60_000);
  assert.equal(sockets.length, 1);
  held.token = "wrong";
  connection.again();
  sockets[1]!.say({ ...hello, auth: true });
  assert.deepEqual(sockets[1]!.sent, [{ type: "auth", token: "wrong" }]);
  sockets[1]!.say({ type: "error", code: "not_authorised", message: "this token is not known", fatal: true });
  assert.deepEqual(connection.status, { kind: "token", refused: "this token is not known" });
  assert.equal(held.token, null);
});

test("Waits double up to fifteen seconds, and differ from page to page", () => {
  assert.equal(backoff(0, 0), 250);
  assert.equal(backoff(0, 1), 500);
  assert.equal(backoff(1, 1), 1000);
  assert.equal(backoff(99, 1), 15_000);
  assert.equal(backoff(99, 0), 7_500);
});

test("A command is never longer than a server takes", () => {
  const resume = Array.from({ length: 2000 }, (_, i) => ({ epoch: "6f1c0d3a-52b7-4c8e-9a04-d1e5b7c2f386", stream: `stübchen ${i}`, after_seq: i }));
  const text = JSON.stringify(subscription("s1", resume));
  assert.ok(new TextEncoder().encode(text).length <= 60_000);
  assert.equal(resume.length, 2000);
});
