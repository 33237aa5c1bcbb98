// Stands between the browser and the daemon, to be a bad network.

import { createServer, connect, type AddressInfo, type Server, type Socket } from "node:net";

export class Proxy {
  /** Nobody gets through. */
  closed = false;
  #server: Server;
  #pairs = new Set<[Socket, Socket]>();

  constructor(private readonly target: () => number) {
    this.#server = createServer((near) => this.#accept(near));
  }

  async open(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
  }

  get base(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  /** All connections break off. */
  cut(): void {
    for (const pair of this.#pairs) for (const socket of pair) socket.resetAndDestroy();
  }

  /** All connections stay, and nothing comes through them any more. */
  freeze(): void {
    for (const [near, far] of this.#pairs) {
      near.unpipe(far).pause();
      far.unpipe(near).pause();
    }
  }

  end(): void {
    this.closed = true;
    this.cut();
    this.#server.close();
  }

  #accept(near: Socket): void {
    if (this.closed) {
      near.resetAndDestroy();
      return;
    }
    const far = connect(this.target(), "127.0.0.1");
    const pair: [Socket, Socket] = [near, far];
    this.#pairs.add(pair);
    for (const [one, other] of [[near, far], [far, near]] as const) {
      one.setNoDelay(true);
      one.pipe(other);
      one.on("error", () => {});
      one.on("close", () => {
        this.#pairs.delete(pair);
        other.destroy();
      });
    }
  }
}
