// Runs the daemon, opens its page in a browser and looks at what it does. README.md tells how to run it.

import { accessSync, constants, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";
import { Clips, conversation, pause, writeWav } from "./call";
import { Daemon, killAll } from "./daemon";
import { pictures } from "./pictures";
import type { Bench, Test } from "./tests";
import { kTests } from "./tests";
import { fail, within } from "./wait";

/** Of everything together: it never hangs. */
const kLimitMs = 15 * 60_000;

const root = resolve(fileURLToPath(new URL(".", import.meta.url)), "../../..");
const { values: options } = parseArgs({
  options: {
    binary: { type: "string", default: process.env.EMOTIOND_BINARY ?? join(root, "build/release/emotiond") },
    bundles: { type: "string", default: process.env.EMOTIOND_BUNDLE_DIR ?? join(root, "model/pretrained") },
    chromium: { type: "string", default: process.env.CHROMIUM ?? "chromium" },
    dist: { type: "string", default: "" },
    only: { type: "string", default: "" },
    screenshots: { type: "string" },
  },
});

/** The program of this name in PATH; what has a slash in it is a path already. */
function program(name: string): string {
  const places = name.includes("/") ? [resolve(name)] : (process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, name));
  const found = places.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
  return found ?? fail(`there is no program ${name}`);
}

const folder = mkdtempSync(join(tmpdir(), "emotiond-browser-"));
// The browser keeps its profile, its caches and its crash reports there too.
for (const name of ["TMPDIR", "HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"]) process.env[name] = folder;

function leave(code: number): never {
  killAll();
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  process.exit(code);
}

async function makeBench(): Promise<Bench> {
  const binary = program(options.binary);
  const bundles = resolve(options.bundles);
  if (!existsSync(bundles)) fail(`there is no ${bundles}`);
  const browser = await chromium.launch({
    executablePath: program(options.chromium),
    headless: true,
    // A page that does not come from the daemon itself would have to ask for leave to speak to it.
    args: options.dist ? ["--disable-features=LocalNetworkAccessChecks"] : [],
    chromiumSandbox: process.getuid?.() !== 0,
    handleSIGINT: false,
    handleSIGTERM: false,
    handleSIGHUP: false,
  });
  const maker = await browser.newPage();
  const call = await conversation(new Clips(join(root, "tests/data/clips"), maker), [
    { channel: 0, pieces: [{ clip: "demo", to: 3.5 }, pause(0.5)] },
    { channel: 1, pieces: [{ clip: "14a02Nc" }, { clip: "13a02Ta" }, pause(2)] },
    { channel: 0, pieces: [{ clip: "demo", from: 6.767, to: 16.741 }, pause(1)] },
    { channel: 1, pieces: [{ clip: "12a02Wc" }, { clip: "13a02Ta" }, { clip: "14a02Nc" }, pause(3)] },
    { channel: 0, pieces: [{ clip: "demo", from: 31.332, to: 37.1 }] },
    { channel: 1, pieces: [{ clip: "demo", from: 16.741, to: 23 }, pause(2)] },
  ]);
  await maker.close();
  writeWav(join(folder, "call.wav"), call);
  const at = { binary, bundles, folder };
  const sources = [`file:${folder}/call.wav#0`, `file:${folder}/call.wav#1`, `file:${root}/tests/data/clips/demo.flac`];
  return { browser, dist: options.dist && resolve(options.dist), at, sources, shared: new Daemon(at, sources) };
}

/** What went wrong and where in the tests; without a browser driver's log of every attempt. */
function told(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const message = error.message.replace(/\x1b\[\d+m/g, "").split("\n").filter((line) => !/^\s+\d* ?[-×]/.test(line) && line !== "Call log:");
  const places = (error.stack ?? "").split("\n").filter((line) => /^\s+at .*test\/browser\/(tests|pictures)\.ts/.test(line));
  return [...message, ...places.slice(0, 2)].filter((line) => line !== "").join("\n");
}

async function run(): Promise<boolean> {
  const started = Date.now();
  const bench = await within(60_000, "the browser to start", makeBench());
  const tests: Test[] = [...kTests];
  if (options.screenshots !== undefined) {
    const wanted = resolve(options.screenshots);
    tests.push({ name: "pictures", limitMs: 240_000, run: () => pictures(bench, join(root, "tests/data/clips"), wanted) });
  }
  const failed: string[] = [];
  const chosen = tests.filter(({ name }) => name.includes(options.only));
  for (const test of chosen) {
    const began = Date.now();
    const took = (): string => `${((Date.now() - began) / 1000).toFixed(1).padStart(6)} s`;
    try {
      if (!bench.shared.runs) await bench.shared.start();
      const note = await within(test.limitMs, "the test to end", test.run(bench));
      console.log(`ok    ${took()}  ${test.name}\n                ${note}`);
    } catch (error) {
      failed.push(test.name);
      console.log(`FAIL  ${took()}  ${test.name}\n${told(error).replace(/^/gm, "                ")}`);
      for (const context of bench.browser.contexts()) await context.close().catch(() => {});
    }
  }
  await within(10_000, "the daemon to end", bench.shared.stop("SIGTERM"));
  await within(10_000, "the browser to end", bench.browser.close());
  const all = ((Date.now() - started) / 1000).toFixed(0);
  console.log(`\n${chosen.length - failed.length} passed, ${failed.length} failed${failed.length ? ` (${failed.join("; ")})` : ""}, in ${all} s with Chromium ${bench.browser.version()}`);
  return failed.length === 0 && chosen.length > 0;
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => leave(130));
within(kLimitMs, "all tests", run()).then(
  (passed) => leave(passed ? 0 : 1),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    leave(1);
  },
);
