// Gets the past that a view shows: after the reader has come to rest, a few streams at a time.

import type { Past } from "./past";
import type { Stream } from "./store";

export interface Wish {
  stream: Stream;
  from: number;
  to: number;
}

const kRest = 250;
const kParallel = 3;

export class Loader {
  busy = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #abort: AbortController | null = null;
  #key = "";
  #retryAt = 0;

  constructor(private readonly past: Past, private readonly done: () => void) {}

  /** Replaces what was wished before; `key` tells whether it is still the same. */
  want(key: string, wishes: () => Wish[]): void {
    if (this.past.kept === false) return;
    if (key === this.#key && (this.busy || Date.now() < this.#retryAt)) return;
    if (key !== this.#key) this.#abort?.abort();
    this.#key = key;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#run(wishes()), kRest);
    this.#retryAt = Date.now() + 2_000;
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#abort?.abort();
    this.#key = "";
  }

  async #run(wishes: Wish[]): Promise<void> {
    const open = wishes.filter(({ stream, from, to }) => this.past.missing(stream, from, to).length > 0);
    if (open.length === 0) return;
    const abort = (this.#abort = new AbortController());
    this.busy = true;
    this.done();
    const work = async (): Promise<void> => {
      for (let wish = open.shift(); wish && !abort.signal.aborted; wish = open.shift()) {
        if (await this.past.fetch(wish.stream, wish.from, wish.to, abort.signal)) this.done();
        if (this.past.failure) {
          this.#retryAt = Date.now() + 10_000;
          return;
        }
      }
    };
    await Promise.all(Array.from({ length: kParallel }, work));
    if (this.#abort === abort) this.busy = false;
    this.done();
  }
}
