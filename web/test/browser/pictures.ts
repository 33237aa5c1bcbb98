// The pictures of the documentation, of a real daemon.

import { mkdirSync, writeFileSync } from "node:fs";
import type { Piece } from "./call";
import { Clips, joined, kRateHz, pause, writeWav } from "./call";
import { Daemon } from "./daemon";
import { smaller } from "./png";
import type { Bench } from "./tests";
import { visited } from "./visit";
import { check, sleep } from "./wait";

const kMostBytes = 150_000;

const neutral: Piece = { clip: "demo", from: 0, to: 6.767 };
const angry: Piece = { clip: "demo", from: 6.767, to: 16.741 };
const sad: Piece = { clip: "demo", from: 16.741, to: 27.332 };
const happy: Piece = { clip: "demo", from: 31.332, to: 37.1 };
const [shortAngry, shortSad, shortNeutral]: Piece[] = [{ clip: "12a02Wc" }, { clip: "13a02Ta" }, { clip: "14a02Nc" }];

/** What is said at each desk, again and again. */
const kDesks: Piece[][] = [
  [neutral, pause(1), neutral, pause(2), happy, pause(4)],
  [angry, pause(3), shortAngry!, pause(1), angry, pause(1), neutral],
  [sad, pause(2), shortSad!, pause(1), sad, pause(1), shortSad!],
  [shortNeutral!, pause(9), shortNeutral!, shortSad!, pause(12)],
  [happy, pause(1), happy, pause(5), neutral, pause(1), happy],
  [pause(4), sad, pause(1), neutral, pause(2), angry, pause(2), happy],
  [shortSad!, shortAngry!, pause(1), neutral, pause(3), sad],
];

/** Somebody hammers on the wall, and nobody speaks. */
function knocks(seconds: number): Int16Array {
  let random = 1;
  return Int16Array.from({ length: seconds * kRateHz }, (_, i) => {
    random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
    return 12_000 * Math.exp(-((i / kRateHz) % 0.4) * 30) * (random / 2 ** 31 - 1);
  });
}

export async function pictures(bench: Bench, clips: string, folder: string): Promise<string> {
  const { browser, at } = bench;
  mkdirSync(folder, { recursive: true });
  const maker = await browser.newPage();
  const source = new Clips(clips, maker);
  const sources: string[] = [];
  const add = (samples: Int16Array): void => {
    const path = `${at.folder}/desk0${sources.length + 1}.wav`;
    writeWav(path, [samples]);
    sources.push(`file:${path}`);
  };
  for (const pieces of kDesks) add(await source.joined(pieces));
  add(joined([await source.joined([neutral, pause(2)]), knocks(14), await source.joined([pause(5), happy, pause(2)])]));
  await maker.close();

  const daemon = new Daemon(at, sources);
  const sizes: string[] = [];
  try {
    await daemon.start();
    await visited(
      bench,
      daemon.base,
      async (visit) => {
        const { page } = visit;
        const take = async (name: string): Promise<void> => {
          await page.mouse.move(0, 0);
          await sleep(1_500);
          const picture = smaller(await page.screenshot());
          writeFileSync(`${folder}/${name}.png`, picture);
          check(picture.length <= kMostBytes, `${name}.png has ${picture.length} bytes`);
          sizes.push(`${name} ${Math.round(picture.length / 1000)} KB`);
        };
        await visit.becomes("live");
        await sleep(62_000);
        await take("dashboard-light");
        await page.emulateMedia({ colorScheme: "dark" });
        await take("dashboard-dark");
        await page.emulateMedia({ colorScheme: "light" });
        await page.getByRole("link", { name: "Timeline" }).click();
        await take("timeline");
        await page.keyboard.press("+");
        await page.goto(`${daemon.base}#/stream/desk06`);
        await visit.get("chart-scores").waitFor();
        await page.setViewportSize({ width: 1440, height: 1070 });
        await sleep(20_000);
        await take("detail");
      },
      { viewport: { width: 1440, height: 640 }, colorScheme: "light" },
    );
  } finally {
    await daemon.stop("SIGKILL");
  }
  return sizes.join(", ");
}
