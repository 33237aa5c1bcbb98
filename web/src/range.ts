// Which time is looked at. `end` null is live: the span up to now, moving with it.

export interface View {
  readonly span: number;
  readonly end: number | null;
}

export const kLive: View = { span: 60_000, end: null };
const kLeast = 5_000;
const kMost = 6 * 3_600_000;

export function bounds(view: View, now: number): readonly [from: number, to: number] {
  const to = view.end ?? now;
  return [to - view.span, to];
}

function placed(span: number, end: number, now: number): View {
  return { span, end: end >= now ? null : end };
}

/** Moved by `ms`, into the future when positive; what would pass now is live. */
export function moved(view: View, ms: number, now: number): View {
  return placed(view.span, (view.end ?? now) + ms, now);
}

/** `factor` times as long, around the time `anchor`; a live view stays live. */
export function zoomed(view: View, factor: number, anchor: number, now: number): View {
  const span = Math.min(kMost, Math.max(kLeast, view.span * factor));
  if (view.end === null) return { span, end: null };
  const [from, to] = bounds(view, now);
  const at = to === from ? 1 : (anchor - from) / (to - from);
  return placed(span, anchor + span * (1 - at), now);
}

/** The same end with another length. */
export function spanned(view: View, span: number): View {
  return { span: Math.min(kMost, Math.max(kLeast, span)), end: view.end };
}

/** From `from` to `to`. */
export function between(from: number, to: number, now: number): View {
  return placed(Math.min(kMost, Math.max(kLeast, to - from)), to, now);
}
