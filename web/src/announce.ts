// For screen readers: alerts, lost streams and the connection; never a single verdict.

import { setText } from "./dom";

const kGather = 600;
const kMost = 4;

export class Announcer {
  #waiting: string[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly region: HTMLElement) {}

  say(text: string): void {
    if (!this.#waiting.includes(text)) this.#waiting.push(text);
    this.#timer ??= setTimeout(() => this.#flush(), kGather);
  }

  #flush(): void {
    this.#timer = undefined;
    const more = this.#waiting.length - kMost;
    const said = this.#waiting.slice(0, kMost).join(". ") + (more > 0 ? `. And ${more} more` : "");
    this.#waiting = [];
    // The same words again are only read when they are another text.
    setText(this.region, said === this.region.textContent ? `${said}.` : said);
  }
}
