// One stream's past as a ribbon.

import type { Context } from "./context";
import { fitted, h } from "./dom";
import { clock, clockShort, share } from "./format";
import { paintRibbon, ticks } from "./graph";
import { wordOf } from "./labels";
import { firstFrom } from "./past";
import { kNoSpeech } from "./protocol";
import type { Stream } from "./store";
import { colours, hatch } from "./theme";
import { told } from "./verdict";

export class Lane {
  readonly canvas = h("canvas", { class: "lane-canvas", "aria-hidden": "true" });
  visible = true;

  constructor(private readonly context: Context, readonly stream: Stream) {}

  /** `window`: a part of it that is set off from the rest. */
  paint(from: number, to: number, window?: readonly [number, number]): void {
    const fit = this.visible ? fitted(this.canvas) : null;
    if (!fit) return;
    const { ctx, w, h: height } = fit;
    const { past } = this.context;
    const scheme = colours();
    const scale = w / (to - from);
    for (const [begin, end] of past.missing(this.stream, from, to)) {
      ctx.globalAlpha = 0.7;
      ctx.fillStyle = hatch(scheme.line, 4, 0.8);
      ctx.fillRect((begin - from) * scale, 0, Math.max(0, (end - begin) * scale), height);
      ctx.globalAlpha = 1;
    }
    const hop = this.context.store.hop(this.stream);
    paintRibbon(ctx, { x: 0, y: 1, w, h: height - 2 }, {
      from, to, hop,
      points: past.points(this.stream, from - 2 * hop, to),
      marks: past.marks(this.stream, from, to),
      colours: scheme,
    });
    if (!window) return;
    const x0 = (window[0] - from) * scale;
    const x1 = (window[1] - from) * scale;
    ctx.globalAlpha = 0.62;
    ctx.fillStyle = scheme.surface;
    ctx.fillRect(0, 0, x0, height);
    ctx.fillRect(x1, 0, w - x1, height);
    ctx.globalAlpha = 1;
    ctx.strokeStyle = scheme.ink;
    ctx.lineWidth = 1.5;
    ctx.strokeRect(Math.max(0.75, x0), 0.75, Math.min(w - 0.75, x1) - Math.max(0.75, x0), height - 1.5);
  }

  /** What was at `t`, in words. */
  at(t: number): string {
    const { past, store } = this.context;
    const hop = store.hop(this.stream);
    const mark = past.marks(this.stream, t, t).find((item) => item.kind !== "utterance" && item.t1 > item.t0 && item.t0 <= t && item.t1 >= t);
    const points = past.points(this.stream, t, t + hop);
    const point = points[firstFrom(points, t, (item) => item.t)];
    let text = "";
    if (point?.label === kNoSpeech) text = "no speech";
    else if (point) text = `${wordOf(point.label)} ${share(point.confidence)}${point.uncertain ? ", uncertain" : ""}`;
    return `${this.stream.name} ${clock(t)} ${[text, mark ? told(mark).text : ""].filter(Boolean).join(" · ") || "nothing"}`;
  }
}

/** The times above or below the lanes. */
export function paintAxis(canvas: HTMLCanvasElement, from: number, to: number): void {
  const fit = fitted(canvas);
  if (!fit) return;
  const { ctx, w, h: height } = fit;
  const scheme = colours();
  ctx.font = '11px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif';
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  for (const t of ticks(from, to, Math.max(2, w / 90))) {
    const x = ((t - from) / (to - from)) * w;
    ctx.fillStyle = scheme.line;
    ctx.fillRect(Math.round(x), height - 4, 1, 4);
    const text = t % 60_000 === 0 ? clockShort(t) : clock(t);
    const half = ctx.measureText(text).width / 2;
    ctx.fillStyle = scheme.muted;
    ctx.fillText(text, Math.min(w - half, Math.max(half, x)), (height - 4) / 2);
  }
}
