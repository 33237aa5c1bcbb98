// The server's time, as far as its messages tell it: the page's own clock may be wrong.

export class ServerClock {
  #offset: number | null = null;

  constructor(private readonly local: () => number = Date.now) {}

  /** An event tells that the server's clock was at least at `t`. */
  heard(t: number): void {
    const offset = t - this.local();
    if (this.#offset === null || offset > this.#offset) this.#offset = offset;
  }

  /** An answer that tells `t`, to what was sent at `sent` by the page's clock. */
  measured(t: number, sent: number): void {
    this.#offset = t - (sent + this.local()) / 2;
  }

  now(): number {
    return this.local() + (this.#offset ?? 0);
  }
}
