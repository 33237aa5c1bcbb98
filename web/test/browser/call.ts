// Calls to be replayed: made of the repository's clips, which the browser can decode.

import { readFileSync, writeFileSync } from "node:fs";
import type { Page } from "playwright-core";

export const kRateHz = 16_000;

/** A piece of a clip, in seconds of it; without a clip it is silence. */
export interface Piece {
  clip: string;
  from?: number;
  to?: number;
}

export const pause = (seconds: number): Piece => ({ clip: "", to: seconds });

export function joined(parts: readonly Int16Array[]): Int16Array {
  const result = new Int16Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}

export class Clips {
  readonly #known = new Map<string, Int16Array>();

  constructor(private readonly folder: string, private readonly page: Page) {}

  async samples(piece: Piece): Promise<Int16Array> {
    const place = (seconds: number | undefined): number | undefined => (seconds === undefined ? undefined : Math.round(seconds * kRateHz));
    if (piece.clip === "") return new Int16Array(place(piece.to) ?? 0);
    let whole = this.#known.get(piece.clip);
    if (!whole) {
      whole = await this.#decode(piece.clip);
      this.#known.set(piece.clip, whole);
    }
    return whole.subarray(place(piece.from), place(piece.to));
  }

  async joined(pieces: readonly Piece[]): Promise<Int16Array> {
    return joined(await Promise.all(pieces.map((piece) => this.samples(piece))));
  }

  async #decode(clip: string): Promise<Int16Array> {
    const flac = readFileSync(`${this.folder}/${clip}.flac`).toString("base64");
    const text = await this.page.evaluate(
      async ({ flac, rateHz }) => {
        const bytes = Uint8Array.from(atob(flac), (letter) => letter.charCodeAt(0));
        const sound = (await new OfflineAudioContext(1, 1, rateHz).decodeAudioData(bytes.buffer)).getChannelData(0);
        const out = new Uint8Array(Int16Array.from(sound, (value) => Math.max(-32768, Math.min(32767, Math.round(value * 32768)))).buffer);
        let binary = "";
        for (let i = 0; i < out.length; i += 8192) binary += String.fromCharCode(...out.subarray(i, i + 8192));
        return btoa(binary);
      },
      { flac, rateHz: kRateHz },
    );
    const data = Buffer.from(text, "base64");
    const samples = new Int16Array(data.length / 2);
    for (let i = 0; i < samples.length; ++i) samples[i] = data.readInt16LE(2 * i);
    return samples;
  }
}

/** One voice after the other on two channels: who does not speak is silent. */
export async function conversation(clips: Clips, turns: readonly { channel: 0 | 1; pieces: Piece[] }[]): Promise<[Int16Array, Int16Array]> {
  const channels: [Int16Array[], Int16Array[]] = [[], []];
  for (const { channel, pieces } of turns) {
    const said = await clips.joined(pieces);
    channels[channel].push(said);
    channels[1 - channel]!.push(new Int16Array(said.length));
  }
  return [joined(channels[0]), joined(channels[1])];
}

/** 16-bit PCM, all channels of one length. */
export function writeWav(path: string, channels: readonly Int16Array[]): void {
  const frames = channels[0]!.length;
  const bytes = frames * channels.length * 2;
  const file = Buffer.alloc(44 + bytes);
  file.write("RIFF", 0);
  file.writeUInt32LE(36 + bytes, 4);
  file.write("WAVEfmt ", 8);
  file.writeUInt32LE(16, 16);
  file.writeUInt16LE(1, 20);
  file.writeUInt16LE(channels.length, 22);
  file.writeUInt32LE(kRateHz, 24);
  file.writeUInt32LE(kRateHz * channels.length * 2, 28);
  file.writeUInt16LE(channels.length * 2, 32);
  file.writeUInt16LE(16, 34);
  file.write("data", 36);
  file.writeUInt32LE(bytes, 40);
  for (let i = 0; i < frames; ++i) channels.forEach((channel, c) => file.writeInt16LE(channel[i]!, 44 + 2 * (i * channels.length + c)));
  writeFileSync(path, file);
}
