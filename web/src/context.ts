// What the views share.

import type { Past } from "./past";
import type { View } from "./range";
import type { Store, Stream } from "./store";

export interface Context {
  readonly store: Store;
  readonly past: Past;
  /** The server's time. */
  now(): number;
  /** Has the views drawn again with the next frame. */
  wake(): void;
  filter: string;
  /** The range that is looked at, in all views that have one. */
  view: View;
}

export interface Pane {
  /** The stream has changed. */
  touch(stream: Stream): void;
  /** Draw what has changed; `all`: everything that depends on the time. */
  frame(now: number, all: boolean): void;
}

export function addressOf(stream: string): string {
  return `#/stream/${encodeURIComponent(stream)}`;
}
