// What must hold with a real daemon.

import { writeFileSync } from "node:fs";
import { share } from "../../src/format";
import { wordOf } from "../../src/labels";
import type { Emotion } from "../../src/protocol";
import { kNoSpeech } from "../../src/protocol";
import type { Installation } from "./daemon";
import { Daemon, makeToken } from "./daemon";
import { Proxy } from "./proxy";
import type { Reader, Visit } from "./visit";
import { kNoNetwork, unbroken, visited } from "./visit";
import { check, fail, same, sleep, until } from "./wait";

export interface Bench extends Reader {
  at: Installation;
  /** What daemons replay. */
  sources: string[];
  /** The one that most tests share; its history grows from test to test. */
  shared: Daemon;
}

export interface Test {
  name: string;
  limitMs: number;
  /** Gives what is worth telling. */
  run(bench: Bench): Promise<string>;
}

// --- the overview ---------------------------------------------------------------------------

async function cardsMove(bench: Bench): Promise<string> {
  const { shared } = bench;
  const streams = await shared.streams();
  const began = new Map<string, number>();
  const labels = new Map(streams.map((stream) => [stream, new Set<string>()]));
  const graphs = new Map(streams.map((stream) => [stream, new Set<number>()]));
  let compared = 0;
  await visited(bench, shared.base, async (visit) => {
    await visit.becomes("live");
    let told = "";
    await until(100_000, () => `every card to move; ${told}`, async () => {
      const cards = await visit.cards();
      same("the cards", cards.map(({ stream }) => stream), [...streams].sort());
      for (const card of cards) {
        if (!began.has(card.stream)) began.set(card.stream, card.seq);
        if (card.label) labels.get(card.stream)!.add(card.label);
        if (card.coloured > 20) graphs.get(card.stream)!.add(card.graph);
        const event = visit.heard(card.stream).find(({ seq }) => seq === card.seq);
        if (event?.type !== "emotion" || card.certainty === "none") continue;
        same(`what the card of ${card.stream} says of event ${card.seq}`, card.label, event.label);
        same("how sure it is", card.certainty, event.label === kNoSpeech ? "no-speech" : event.uncertain ? "uncertain" : "sure");
        same("its word", card.word, wordOf(event.label));
        ++compared;
      }
      const now = new Map(cards.map((card) => [card.stream, card.seq - began.get(card.stream)!]));
      told = streams.map((stream) => `${stream}: ${now.get(stream)} events, ${labels.get(stream)!.size} labels, ${graphs.get(stream)!.size} graphs`).join("; ");
      return streams.every((stream) => now.get(stream)! >= 10 && labels.get(stream)!.size >= 2 && graphs.get(stream)!.size >= 5);
    });
    check(compared > 10, `only ${compared} cards could be compared with the wire`);
    same("holes", await visit.holes(), []);
    for (const stream of streams) await unbroken(visit, stream, [shared.epochs.at(-1)!]);
  });
  return `${streams.map((stream) => `${stream}: ${[...labels.get(stream)!].map(wordOf).join(", ")}`).join("; ")}; ${compared} verdicts as sent`;
}

async function keyboard(bench: Bench): Promise<string> {
  const { shared } = bench;
  const streams = (await shared.streams()).sort();
  await visited(bench, shared.base, async (visit) => {
    const { page } = visit;
    await visit.becomes("live");
    await visit.card(streams[0]!).waitFor();
    const focused = (): Promise<string> => page.evaluate(() => document.activeElement?.getAttribute("data-stream") ?? "");
    const focus = (what: string, stream: string): Promise<void> => until(5_000, `${what}: the focus on ${stream}`, async () => (await focused()) === stream);
    let tabs = 0;
    for (; tabs < 30 && (await focused()) === ""; ++tabs) await page.keyboard.press("Tab");
    same("the first card that Tab comes to", await focused(), streams[0]);

    const opens = async (stream: string): Promise<void> => {
      await page.keyboard.press("Enter");
      await visit.get("chart-scores").waitFor();
      same("the stream that is shown", await visit.get("detail").getAttribute("data-stream"), stream);
      check(!(await visit.get("cards").isVisible()), "the cards are still there");
      same("the focused heading", await page.evaluate(() => document.activeElement?.textContent), stream);
      await page.keyboard.press("Escape");
      await visit.card(stream).waitFor();
      check(!(await visit.get("detail").isVisible()), "the stream is still shown after Escape");
      await focus("after Escape", stream);
    };
    await opens(streams[0]!);
    await page.keyboard.press("ArrowRight");
    await focus("after an arrow key", streams[1]!);
    await opens(streams[1]!);

    await page.keyboard.press("/");
    await page.keyboard.type(streams[1]!);
    await until(5_000, "one card to be left", async () => (await visit.get("card").count()) === 1);
    await page.keyboard.press("Escape");
    await until(5_000, "all cards to come back", async () => (await visit.get("card").count()) === streams.length);
    same("the filter after Escape", await visit.get("filter").inputValue(), "");

    await page.keyboard.press("?");
    await visit.get("help-dialog").waitFor();
    await page.keyboard.press("Escape");
    await visit.get("help-dialog").waitFor({ state: "hidden" });
    check(await visit.get("cards").isVisible(), "Escape closed more than the help");
  });
  return "Tab, Enter, Escape, arrows, / and ?";
}

// --- nothing is blocked, nothing complains ----------------------------------------------------

async function quiet(bench: Bench): Promise<string> {
  const { shared } = bench;
  let rows = 0;
  await visited(bench, shared.base, async (visit) => {
    const { page } = visit;
    const response = await page.request.get(shared.base);
    const policy = response.headers()["content-security-policy"] ?? "";
    check(/default-src 'none'/.test(policy) && !/unsafe|\*|https?:/.test(policy), `the Content-Security-Policy is "${policy}"`);
    await visit.becomes("live");
    for (let i = 0; i < 3; ++i) await visit.get("theme").click();
    await visit.get("patterns").click();
    await visit.get("help").click();
    await page.keyboard.press("Escape");
    await visit.get("models-link").click();
    await visit.get("models-dialog").getByText("licence").first().waitFor();
    await page.keyboard.press("Escape");
    for (const order of ["state", "negative", "aroused", "name"]) await visit.get("sort").selectOption(order);
    const [stream] = await shared.streams();
    await visit.card(stream!).click();
    for (const chart of ["scores", "affect", "confidence", "level", "latency"]) await visit.get(`chart-${chart}`).waitFor();
    for (const range of ["range-10min", "range-1h", "zoom-out", "range-1min", "zoom-in", "range-back", "range-forward", "range-live"]) {
      if (await visit.get(range).isEnabled()) await visit.get(range).click();
      await sleep(300);
    }
    await visit.get("chart-scores").hover();
    const [download] = await Promise.all([page.waitForEvent("download"), visit.get("csv").click()]);
    const chunks: Buffer[] = [];
    for await (const chunk of await download.createReadStream()) chunks.push(chunk as Buffer);
    const table = Buffer.concat(chunks).toString();
    check(table.startsWith("time,epoch,stream,seq,type,"), `the table begins with "${table.slice(0, 60)}"`);
    rows = table.trimEnd().split("\r\n").length - 1;
    check(rows > 0, "the table has no rows");
    await page.getByRole("link", { name: "Timeline" }).click();
    await visit.get("lane").first().waitFor();
    await sleep(1_000);
    await visit.fine();

    // That it would have been noticed.
    const slipped = await page.evaluate(() => {
      const script = document.createElement("script");
      script.textContent = "window.slipped = true";
      document.head.append(script);
      return "slipped" in window;
    });
    check(!slipped, "an inline script was run");
    await until(5_000, "the inline script to be reported", () => visit.problems.some((text) => text.startsWith("Content-Security-Policy: script-src")));
    check(visit.problems.some((text) => text.startsWith("console: ")), "the console's error was not noticed");
    visit.problems.length = 0;
  });
  return `all views, dialogs and buttons; a table of ${rows} rows`;
}

// --- restarts -------------------------------------------------------------------------------

async function shownWithoutHole(visit: Visit, streams: readonly string[], restarts: number): Promise<void> {
  check(!(await visit.get("stale").isVisible()), "the page still says that there is no connection");
  for (const card of await visit.cards()) check(!card.gaps, `the card of ${card.stream} tells of a gap`);
  for (const stream of streams) {
    await visit.card(stream).click();
    await visit.get("marks").waitFor();
    await until(5_000, `${restarts} restarts in the list of ${stream}`, async () => (await visit.get("restart").count()) === restarts);
    same(`gaps in the list of ${stream}`, await visit.get("gap").allTextContents(), []);
    await until(10_000, "the past to be loaded", async () => !(await visit.get("history-note").isVisible()));
    await visit.page.keyboard.press("Escape");
    await visit.card(stream).waitFor();
  }
}

/** The last recorded number of the stream in the epoch; what is recorded must have no hole. */
function lastRecorded(recorded: readonly { stream: string; epoch: string; seq: number }[], stream: string, epoch: string): number {
  const numbers = recorded.filter((event) => event.stream === stream && event.epoch === epoch).map(({ seq }) => seq);
  check(numbers.length === 0 || numbers.every((seq, i) => seq === i + 1), `the history of ${stream} in ${epoch} has a hole: ${numbers.join()}`);
  return numbers.length;
}

async function counts(visit: Visit, streams: readonly string[]): Promise<Map<string, number>> {
  return new Map(await Promise.all(streams.map(async (stream): Promise<[string, number]> => [stream, (await visit.events(stream)).length])));
}

async function stopped(bench: Bench): Promise<string> {
  const { shared } = bench;
  await shared.stop("SIGTERM");
  await shared.start();
  const streams = await shared.streams();
  let told = "";
  await visited(bench, shared.base, async (visit) => {
    await visit.becomes("live");
    await visit.more(streams, 6);
    visit.excused = kNoNetwork;
    check(await shared.stop("SIGTERM"), `the daemon did not end in order:\n${shared.log}`);
    await until(5_000, "the page to tell that there is no connection", () => visit.get("stale").isVisible());
    const had = await counts(visit, streams);
    await sleep(2_000);
    same("what the page has while there is no server", [...(await counts(visit, streams))], [...had]);
    await shared.start();
    const restarted = Date.now();
    await visit.becomes("live");
    const after = Date.now() - restarted;
    await visit.more(streams, 4);
    visit.excused = null;

    same("holes", await visit.holes(), []);
    const epochs = shared.epochs.slice(-2);
    const recorded = await shared.recorded();
    const last: string[] = [];
    for (const stream of streams) {
      const [before, now] = await unbroken(visit, stream, epochs);
      same(`the last event of ${stream} before the restart`, before, lastRecorded(recorded, stream, epochs[0]!));
      last.push(`${stream} 1..${before} and 1..${now}`);
    }
    await shownWithoutHole(visit, streams, 1);
    told = `live ${(after / 1000).toFixed(1)} s after the start; ${last.join(", ")}`;
  });
  return told;
}

/** Killed while the page listens; then twice while the page has no connection: what it missed of three runs must come. */
async function killed(bench: Bench): Promise<string> {
  const { shared } = bench;
  await shared.stop("SIGTERM");
  await shared.start();
  const streams = await shared.streams();
  const proxy = new Proxy(() => shared.port);
  await proxy.open();
  let told = "";
  try {
    await visited(bench, proxy.base, async (visit) => {
      await visit.becomes("live");
      await visit.more(streams, 6);
      visit.excused = kNoNetwork;
      await shared.stop("SIGKILL");
      await until(5_000, "the page to tell that there is no connection", () => visit.get("stale").isVisible());
      await shared.start();
      await visit.becomes("live");
      await visit.more(streams, 4);

      proxy.closed = true;
      proxy.cut();
      await visit.becomes("waiting");
      const had = await counts(visit, streams);
      const missed = async (): Promise<boolean> => {
        const recorded = await shared.recorded();
        return streams.every((stream) => lastRecorded(recorded, stream, shared.epochs.at(-1)!) > (had.get(stream) ?? 0) + 2);
      };
      await until(60_000, "events that the page has missed", missed);
      await shared.stop("SIGKILL");
      await shared.start();
      had.clear();
      await until(60_000, "events of a run that the page knows nothing of", missed);
      await shared.stop("SIGKILL");
      await shared.start();
      proxy.closed = false;
      await visit.becomes("live");
      await visit.more(streams, 4);
      visit.excused = null;

      const epochs = shared.epochs.slice(-4);
      const recorded = await shared.recorded();
      const heard: string[] = [];
      for (const stream of streams) {
        const last = await unbroken(visit, stream, epochs);
        epochs.slice(0, -1).forEach((epoch, i) => {
          const kept = lastRecorded(recorded, stream, epoch);
          // What was sent in the last moment before a kill may not have been recorded.
          check(last[i]! >= kept, `of ${stream} in epoch ${epoch} ${last[i]} events came, ${kept} are recorded`);
          if (i > 0) same(`what came of ${stream} in epoch ${epoch}, of which the page was cut off`, last[i], kept);
        });
        heard.push(`${stream} 1..${last.join(", 1..")}`);
      }
      const holes = await visit.holes();
      for (const hole of holes) {
        const kept = lastRecorded(recorded, hole.stream, hole.epoch);
        check(hole.from > kept && (hole.to === null || hole.to > kept), `a hole in what was recorded: ${JSON.stringify(hole)}, recorded are 1..${kept}`);
      }
      if (holes.length === 0) await shownWithoutHole(visit, streams, 3);
      told = `${heard.join("; ")}; ${holes.length} holes`;
    });
  } finally {
    proxy.end();
  }
  return told;
}

// --- the past -------------------------------------------------------------------------------

async function timeline(bench: Bench): Promise<string> {
  const { shared } = bench;
  // The page asks for a minute by itself; what is older comes only when the reader goes there.
  await shared.age(125_000);
  const streams = await shared.streams();
  let compared = 0;
  await visited(bench, shared.base, async (visit) => {
    const { page } = visit;
    await visit.becomes("live");
    await page.getByRole("link", { name: "Timeline" }).click();
    await visit.get("lane").first().waitFor();
    same("the lanes", await visit.get("lane").count(), streams.length);
    const range = (): Promise<string> => visit.get("range").innerText();
    check(/the last 1 min/.test(await range()), `the range is "${await range()}"`);

    const seen = new Set([await range()]);
    const asked = visit.asked;
    for (let i = 0; i < 3; ++i) {
      await page.keyboard.press("ArrowLeft");
      await until(3_000, "the range to move", async () => !seen.has(await range()));
      seen.add(await range());
    }
    await until(15_000, "the history to be asked for", () => visit.asked > asked);
    await until(15_000, "the past to be loaded", async () => !(await visit.get("history-note").isVisible()));
    const bounds = (): Promise<[number, number]> =>
      page.evaluate(() => {
        const query = new URLSearchParams(location.hash.split("?")[1]);
        return [Date.parse(query.get("from") ?? ""), Date.parse(query.get("to") ?? "")];
      });
    await until(5_000, "the range in the address", async () => (await bounds())[1] < Date.now() - 70_000);
    const [from, to] = await bounds();
    check(to - from === 60_000, `the range has ${to - from} ms`);

    // Wherever one points, the lane says what is recorded there.
    const axis = (await page.locator(".board-head canvas").boundingBox()) ?? fail("there is no axis");
    for (const stream of streams) {
      const lane = page.locator(`[data-testid="lane"][data-stream="${stream}"]`);
      const box = (await lane.boundingBox()) ?? fail(`there is no lane of ${stream}`);
      const verdicts = (await shared.recorded({ stream, type: "emotion", from: new Date(from).toISOString(), to: new Date(to).toISOString() })) as Emotion[];
      check(verdicts.length > 10, `of ${stream} only ${verdicts.length} verdicts are recorded in the range`);
      for (const [i, verdict] of verdicts.entries()) {
        const before = verdicts[i - 1];
        const end = Date.parse(verdict.time);
        // Each third one that is clear of its neighbours.
        if (i % 3 !== 0 || (before && end - Date.parse(before.time) < 400)) continue;
        const x = axis.x + ((end - 200 - from) / (to - from)) * axis.width;
        if (x < axis.x + 2 || x > axis.x + axis.width - 2) continue;
        await page.mouse.move(x, box.y + box.height / 2);
        const said = verdict.label === kNoSpeech ? "no speech" : `${wordOf(verdict.label)} ${share(verdict.confidence)}`;
        let text = "";
        await until(2_000, () => `"${said}" at ${verdict.time} of ${stream}; the page says "${text}"`, async () => (text = await page.locator(".readout").innerText()).includes(said));
        check(text.startsWith(`${stream} `), `the lane of ${stream} says "${text}"`);
        ++compared;
      }
      const coloured = await lane.locator("canvas").evaluate((canvas) => {
        const { width, height } = canvas as HTMLCanvasElement;
        const small = new OffscreenCanvas(width, height).getContext("2d")!;
        small.drawImage(canvas as HTMLCanvasElement, 0, 0);
        const { data } = small.getImageData(0, 0, width, height);
        let count = 0;
        for (let i = 0; i < data.length; i += 4) if (data[i + 3]! > 0 && Math.max(data[i]!, data[i + 1]!, data[i + 2]!) - Math.min(data[i]!, data[i + 1]!, data[i + 2]!) > 40) ++count;
        return count / (width * height);
      });
      check(coloured > 0.02, `the lane of ${stream} is empty`);
    }
    same("gaps in the list", await visit.get("gap").allTextContents(), []);

    // With the mouse: dragged half a range further back, then zoomed.
    const y = axis.y + axis.height / 2;
    await page.mouse.move(axis.x + axis.width * 0.25, y);
    await page.mouse.down();
    await page.mouse.move(axis.x + axis.width * 0.75, y, { steps: 5 });
    await page.mouse.up();
    await until(5_000, "the drag to move the range", async () => Math.abs((await bounds())[1] - (to - 30_000)) < 2_000);
    await visit.get("zoom-in").click();
    await until(5_000, "the range to be halved", async () => Math.abs((await bounds())[1] - (await bounds())[0] - 30_000) < 100);
    await page.keyboard.press("End");
    same("whether it is live", await visit.get("range-live").getAttribute("aria-pressed"), "true");
    same("holes", await visit.holes(), []);
  });
  return `three steps, a drag and a zoom back; ${compared} verdicts as recorded`;
}

// --- the network ----------------------------------------------------------------------------

/** The replay buffer holds only seconds: what was missed must come from the history. */
async function dropped(bench: Bench): Promise<string> {
  const { at, sources } = bench;
  const daemon = new Daemon(at, sources, ["--server.replay_bytes=4096"]);
  const proxy = new Proxy(() => daemon.port);
  await proxy.open();
  let told = "";
  try {
    await daemon.start();
    const streams = await daemon.streams();
    await visited(bench, proxy.base, async (visit) => {
      await visit.becomes("live");
      await visit.more(streams, 4);
      const began = new Map(await Promise.all(streams.map(async (stream): Promise<[string, number]> => [stream, (await visit.events(stream))[0]!])));
      const whole = async (what: string): Promise<void> => {
        same(`holes after ${what}`, await visit.holes(), []);
        for (const stream of streams) {
          const own = await visit.events(stream);
          const heard = visit.heard(stream);
          same(`epochs after ${what}`, [...new Set(heard.map(({ epoch }) => epoch))], daemon.epochs);
          const expected = own.map((_, i) => began.get(stream)! + i);
          same(`what the page has of ${stream} after ${what}`, own, expected);
          same(`what came of ${stream}`, heard.slice(0, own.length).map(({ seq }) => seq), expected);
        }
      };
      const had = new Map<string, number>();
      const remember = async (): Promise<void> => {
        for (const stream of streams) had.set(stream, (await visit.events(stream)).at(-1)!);
      };
      const resumed = (): void => {
        const wire = visit.wires.filter(({ got }) => got.some(({ type }) => type === "subscribed")).at(-1)!;
        const points = wire.sent.find(({ type }) => type === "subscribe")!.resume!;
        for (const stream of streams) same(`where ${stream} is resumed`, points.find((point) => point.stream === stream)?.after_seq, had.get(stream));
      };
      visit.excused = kNoNetwork;

      // 1. No network: the connection breaks off, no other comes about.
      proxy.closed = true;
      proxy.cut();
      await visit.context.setOffline(true);
      await until(5_000, "the page to tell that there is no connection", () => visit.get("stale").isVisible());
      await remember();
      let forgotten = 0;
      await until(60_000, "the replay buffer to forget", async () => {
        const { streams: now } = await daemon.json<{ streams: { stream: string; oldest_seq: number }[] }>("v1/streams");
        forgotten = now.filter(({ stream, oldest_seq }) => oldest_seq > had.get(stream)! + 1).length;
        return forgotten === streams.length;
      });
      proxy.closed = false;
      await visit.context.setOffline(false);
      const back = Date.now();
      await visit.becomes("live", 20_000);
      const after = Date.now() - back;
      resumed();
      await visit.more(streams, 4, new Map([...had].map(([stream, seq]) => [stream, seq - began.get(stream)! + 1])));
      await whole("the loss of the network");

      // 2. The connection stays, but nothing comes any more: the page must find out by itself.
      proxy.freeze();
      const frozen = Date.now();
      await until(45_000, "the page to find out that the connection is dead", async () => (await visit.status()) !== "live");
      const found = Date.now() - frozen;
      await remember();
      await visit.becomes("live", 20_000);
      resumed();
      await visit.more(streams, 4, new Map([...had].map(([stream, seq]) => [stream, seq - began.get(stream)! + 1])));
      await whole("a dead connection");
      visit.excused = null;
      told = `live ${(after / 1000).toFixed(1)} s after the network came back; a dead connection was found after ${Math.round(found / 1000)} s`;
    });
    check(daemon.epochs.length === 1 && daemon.runs, "the daemon did not live through it");
  } finally {
    proxy.end();
    await daemon.stop("SIGKILL");
  }
  return told;
}

/** What is gone for good must be told: else the tests above would prove nothing. */
async function missing(bench: Bench): Promise<string> {
  const { at, sources } = bench;
  const daemon = new Daemon(at, sources, ["--server.replay_bytes=4096"], { history: false });
  const proxy = new Proxy(() => daemon.port);
  await proxy.open();
  const told: string[] = [];
  try {
    await daemon.start();
    const streams = await daemon.streams();
    await visited(bench, proxy.base, async (visit) => {
      // Only its answer tells that there is no history.
      visit.excused = new RegExp(`${kNoNetwork.source}|answers 404|status of 404`);
      await visit.becomes("live");
      await visit.more(streams, 4);
      proxy.closed = true;
      proxy.cut();
      await visit.becomes("waiting");
      const had = new Map<string, number>();
      for (const stream of streams) had.set(stream, (await visit.events(stream)).at(-1)!);
      await until(60_000, "the replay buffer to forget", async () => {
        const { streams: now } = await daemon.json<{ streams: { stream: string; oldest_seq: number }[] }>("v1/streams");
        return now.every(({ stream, oldest_seq }) => oldest_seq > had.get(stream)! + 2);
      });
      proxy.closed = false;
      await visit.becomes("live");
      await until(60_000, "a hole in every stream", async () => (await visit.holes()).length === streams.length);
      await sleep(2_000);
      for (const stream of streams) {
        const hole = (await visit.holes()).find((one) => one.stream === stream) ?? fail(`no hole in ${stream}`);
        same(`where the hole of ${stream} begins, and why`, [hole.from, hole.reason, hole.epoch], [had.get(stream)! + 1, "not_held", daemon.epochs[0]]);
        const own = await visit.events(stream);
        const after = own.filter((seq) => seq > had.get(stream)!);
        same(`what follows the hole of ${stream}`, [hole.to, ...after.slice(0, 2)], [after[0]! - 1, after[0], after[0]! + 1]);
        told.push(`${stream} ${hole.from}..${hole.to}`);
      }
      for (const card of await visit.cards()) check(card.gaps, `the card of ${card.stream} tells of no gap`);

      // Without a history nobody knows how far a former run went.
      await daemon.stop("SIGTERM");
      await until(5_000, "the page to tell that there is no connection", () => visit.get("stale").isVisible());
      for (const stream of streams) had.set(stream, (await visit.events(stream)).at(-1)!);
      await daemon.start();
      await visit.becomes("live");
      await visit.more(streams, 3);
      for (const stream of streams) {
        same(`the holes of ${stream}`, (await visit.holes()).filter((hole) => hole.stream === stream).slice(1), [
          { stream, epoch: daemon.epochs[0], from: had.get(stream)! + 1, to: null, reason: "not_held" },
        ]);
        same(`what the page has of ${stream} since the restart`, (await visit.events(stream)).slice(0, 3), [1, 2, 3]);
      }
      await visit.card(streams[0]!).click();
      await until(5_000, "two gaps in the list", async () => (await visit.get("gap").count()) === 2);
      const text = await visit.get("history-note").innerText();
      check(text.includes("keeps no history"), `of the past the page says "${text}"`);
    });
  } finally {
    proxy.end();
    await daemon.stop("SIGKILL");
  }
  return `${told.join(", ")}; after a restart without a history what may be missing`;
}

// --- tokens ---------------------------------------------------------------------------------

async function tokens(bench: Bench): Promise<string> {
  const { at, sources } = bench;
  const { token, entry } = await makeToken(at, "reader");
  const file = `${at.folder}/tokens.toml`;
  writeFileSync(file, entry, { mode: 0o600 });
  const daemon = new Daemon(at, sources, [`--server.tokens=${file}`], { token });
  try {
    await daemon.start();
    const streams = await daemon.streams();
    const refused = await fetch(`${daemon.base}v1/history`);
    same("what is answered without a token", refused.status, 401);
    await visited(bench, daemon.base, async (visit) => {
      const { page } = visit;
      await visit.becomes("token");
      await visit.get("token-field").waitFor();
      same("cards without a token", await visit.get("card").count(), 0);
      await visit.get("token-field").fill("no token");
      await visit.get("token-submit").click();
      await page.getByText("does not take this token").waitFor();
      same("cards with a wrong token", await visit.get("card").count(), 0);
      await page.keyboard.press("Escape");
      await visit.get("token-form").waitFor({ state: "hidden" });
      await page.getByRole("button", { name: "Enter token" }).click();
      await visit.get("token-field").fill(token);
      await page.keyboard.press("Enter");
      await visit.becomes("live");
      await visit.get("token-form").waitFor({ state: "hidden" });
      await visit.more(streams, 4);
      check(!(await page.content()).includes(token) && !page.url().includes(token), "the token stands in the page");

      await page.getByRole("link", { name: "Timeline" }).click();
      await visit.get("lane").first().waitFor();
      const asked = visit.asked;
      await visit.get("range-10min").click();
      await until(10_000, "the history, which wants the token too", () => visit.asked > asked);

      await page.reload();
      await visit.becomes("live");
      visit.excused = kNoNetwork;
      await daemon.stop("SIGTERM");
      await until(5_000, "the page to tell that there is no connection", () => visit.get("stale").isVisible());
      await daemon.start();
      await visit.becomes("live");
      check(!(await visit.get("token-form").isVisible()), "the page asks again for a token that it has");
      visit.excused = null;
      await visit.fine();
    });
    // Another tab knows nothing of it.
    await visited(bench, daemon.base, (visit) => visit.becomes("token"));
  } finally {
    await daemon.stop("SIGKILL");
  }
  return "none, a wrong one, the right one; after a reload and a restart it is still known";
}

export const kTests: Test[] = [
  { name: "cards move", limitMs: 120_000, run: cardsMove },
  { name: "the keyboard does it all", limitMs: 60_000, run: keyboard },
  { name: "nothing is blocked, nothing complains", limitMs: 60_000, run: quiet },
  { name: "no hole after SIGTERM and a restart", limitMs: 150_000, run: stopped },
  { name: "no hole after SIGKILL and restarts", limitMs: 240_000, run: killed },
  { name: "no hole after a dropped connection", limitMs: 240_000, run: dropped },
  { name: "what nobody holds is told", limitMs: 180_000, run: missing },
  { name: "a token is asked for", limitMs: 120_000, run: tokens },
  { name: "the timeline goes through the past", limitMs: 240_000, run: timeline },
];
