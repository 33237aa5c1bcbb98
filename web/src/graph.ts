// Draws the scores as a stacked stream graph, and the labels as a ribbon.

import { colourOf, stackOrder, wordOf } from "./labels";
import { kNoSpeech } from "./protocol";
import type { Mark, Point } from "./store";
import type { Colours } from "./theme";
import { hatch, inkOn, patternTile } from "./theme";

export interface Box {
  x: number;
  y: number;
  w: number;
  h: number;
}

export interface Scene {
  from: number;
  to: number;
  /** How long one verdict counts, in ms. */
  hop: number;
  points: readonly Point[];
  marks: readonly Mark[];
  colours: Colours;
}

const kFont = '500 10px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif';
const kFontStrong = kFont.replace("500 10px", "600 11px");

/** Points that follow each other without a break, of speech and of the same labels. */
export function runsOf(points: readonly Point[], hop: number): Point[][] {
  const runs: Point[][] = [];
  let last: Point | null = null;
  for (const point of points) {
    if (point.label === kNoSpeech) {
      last = null;
      continue;
    }
    if (last && point.t - last.t <= 2.5 * hop && point.labels === last.labels) runs[runs.length - 1]!.push(point);
    else runs.push([point]);
    last = point;
  }
  return runs;
}

/** A run as columns: times, the tops of the bands from the baseline upwards, and what is uncertain. */
export interface Columns {
  order: string[];
  t: number[];
  /** `tops[band][i]`: the sum of the scores up to this band, 0..1. */
  tops: number[][];
  uncertain: boolean[];
}

const orders = new WeakMap<readonly string[], { order: string[]; place: number[] }>();
function orderOf(labels: readonly string[]): { order: string[]; place: number[] } {
  let known = orders.get(labels);
  if (!known) {
    const order = stackOrder(labels);
    known = { order, place: order.map((label) => labels.indexOf(label)) };
    orders.set(labels, known);
  }
  return known;
}

/**
 * The run in at most `most` columns, each the mean of its points. The first stands twice, a hop
 * apart: a verdict counts for the time since the one before it, also where there is none.
 */
export function columnsOf(run: readonly Point[], hop: number, most: number): Columns {
  const { order, place } = orderOf(run[0]!.labels);
  const columns: Columns = { order, t: [], tops: order.map(() => []), uncertain: [] };
  const step = Math.max(1, Math.ceil(run.length / Math.max(2, most)));
  for (let begin = 0; begin < run.length; begin += step) {
    const end = Math.min(run.length, begin + step);
    let doubtful = 0;
    for (let i = begin; i < end; ++i) if (run[i]!.uncertain) ++doubtful;
    const add = (t: number): void => {
      columns.t.push(t);
      columns.uncertain.push(2 * doubtful > end - begin);
    };
    const first = begin === 0;
    if (first) add(run[0]!.t - hop);
    add(run[end - 1]!.t);
    let sum = 0;
    for (let band = 0; band < place.length; ++band) {
      let score = 0;
      for (let i = begin; i < end; ++i) score += run[i]!.scores[place[band]!] ?? 0;
      sum += score / (end - begin);
      if (first) columns.tops[band]!.push(Math.min(1, sum));
      columns.tops[band]!.push(Math.min(1, sum));
    }
  }
  return columns;
}

/** Spans in which the stream was in another state than live, as far as the marks tell. */
export function stateSpans(marks: readonly Mark[], to: number): { from: number; to: number; state: string }[] {
  const spans: { from: number; to: number; state: string }[] = [];
  let open: { from: number; to: number; state: string } | null = null;
  for (const mark of marks) {
    if (mark.kind !== "state") continue;
    if (open) open.to = mark.t0;
    open = mark.what === "live" ? null : { from: mark.t0, to, state: mark.what };
    if (open) spans.push(open);
  }
  return spans;
}

/** What all graphs have in common: lost sound, lost messages, states. `quiet`: no more than thin lines. */
export function paintMarks(ctx: CanvasRenderingContext2D, box: Box, scene: Scene, words: boolean, quiet = false): void {
  const { from, to, colours } = scene;
  const x = (t: number): number => box.x + ((t - from) / (to - from)) * box.w;
  const inside = (value: number): number => Math.min(box.x + box.w, Math.max(box.x, value));
  ctx.font = kFont;
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  for (const span of stateSpans(scene.marks, to)) {
    if (span.state === "silent") continue;
    const x0 = inside(x(span.from));
    const x1 = inside(x(span.to));
    if (x1 <= x0) continue;
    ctx.globalAlpha = 0.55;
    ctx.fillStyle = colours.line;
    ctx.fillRect(x0, box.y, x1 - x0, box.h);
    ctx.globalAlpha = 1;
    if (words && x1 - x0 > ctx.measureText(span.state).width + 8) {
      ctx.fillStyle = colours.muted;
      ctx.fillText(span.state, (x0 + x1) / 2, box.y + box.h / 2);
    }
  }
  for (const mark of scene.marks) {
    if (mark.kind !== "audio" && mark.kind !== "queue" && mark.kind !== "hole") continue;
    if (mark.t0 > to || mark.t1 < from || mark.t0 === 0) continue;
    const begin = x(mark.t0);
    const x0 = inside(begin);
    const x1 = inside(Math.max(x(Math.min(mark.t1, to)), begin + 3));
    if (x1 <= x0) continue;
    ctx.fillStyle = colours.surface;
    ctx.fillRect(x0, box.y, x1 - x0, box.h);
    const lost = mark.kind === "audio" ? colours.gap : colours.alert;
    ctx.fillStyle = hatch(lost, 5, mark.kind === "audio" ? 1.4 : 2.2);
    ctx.fillRect(x0, box.y, x1 - x0, box.h);
    ctx.fillStyle = lost;
    ctx.fillRect(x0, box.y, 1, box.h);
    ctx.fillRect(x1 - 1, box.y, 1, box.h);
  }
  for (const mark of scene.marks) {
    if (mark.t0 < from || mark.t0 > to) continue;
    const at = Math.round(x(mark.t0));
    if (mark.kind === "restart") {
      ctx.fillStyle = colours.muted;
      for (let y = box.y; y < box.y + box.h; y += 4) ctx.fillRect(at, y, 1, 2);
    } else if (mark.kind === "alert") {
      const raised = mark.what === "raised";
      if (quiet) {
        ctx.fillStyle = raised ? colours.alert : colours.muted;
        ctx.globalAlpha = 0.6;
        ctx.fillRect(at, box.y, 1, box.h);
        ctx.globalAlpha = 1;
        continue;
      }
      ctx.fillStyle = colours.surface;
      ctx.fillRect(at - 1, box.y, raised ? 3.5 : 3, box.h);
      ctx.fillStyle = ctx.strokeStyle = raised ? colours.alert : colours.muted;
      ctx.globalAlpha = raised ? 1 : 0.8;
      ctx.fillRect(at, box.y, raised ? 1.5 : 1, box.h);
      ctx.globalAlpha = 1;
      ctx.lineWidth = 1.25;
      ctx.beginPath();
      ctx.moveTo(at - 4, box.y);
      ctx.lineTo(at + 5, box.y);
      ctx.lineTo(at + 0.5, box.y + 7);
      ctx.closePath();
      if (raised) ctx.fill();
      else {
        ctx.fillStyle = colours.surface;
        ctx.fill();
        ctx.stroke();
      }
    }
  }
}

function paintNoSpeech(ctx: CanvasRenderingContext2D, box: Box, scene: Scene, words: boolean): void {
  const { from, to, hop, colours } = scene;
  const scale = box.w / (to - from);
  let begin: number | null = null;
  let end = 0;
  const flush = (): void => {
    if (begin === null) return;
    const x0 = Math.max(box.x, box.x + (begin - from) * scale);
    const x1 = Math.min(box.x + box.w, box.x + (end - from) * scale);
    begin = null;
    ctx.fillStyle = colours.muted;
    for (let x = Math.ceil(x0 / 4) * 4; x < x1 - 1; x += 4) ctx.fillRect(x, box.y + box.h - 2, 2, 1);
    ctx.font = kFont;
    if (words && x1 - x0 > ctx.measureText("no speech").width + 8) {
      ctx.textAlign = "center";
      ctx.textBaseline = "middle";
      ctx.fillText("no speech", (x0 + x1) / 2, box.y + box.h / 2);
    }
  };
  for (const point of scene.points) {
    if (point.label === kNoSpeech && begin !== null && point.t - end <= 2.5 * hop) {
      end = point.t;
    } else if (point.label === kNoSpeech) {
      flush();
      begin = point.t - hop;
      end = point.t;
    } else {
      flush();
    }
  }
  flush();
}

export interface Stacking {
  /** Words within the bands, and within what is no speech. */
  words: boolean;
  /** Words right of the graph, at the bands of the newest verdict. */
  tags: boolean;
}

export function paintStack(ctx: CanvasRenderingContext2D, box: Box, scene: Scene, how: Stacking): void {
  const { from, to, hop, colours } = scene;
  const scale = box.w / (to - from);
  const bottom = box.y + box.h;
  ctx.save();
  ctx.beginPath();
  ctx.rect(box.x, box.y, box.w, box.h);
  ctx.clip();
  paintNoSpeech(ctx, box, scene, true);
  const runs = runsOf(scene.points, hop);
  const drawn: { columns: Columns; x: number[] }[] = [];
  for (const run of runs) {
    const width = (run[run.length - 1]!.t - run[0]!.t) * scale;
    const columns = columnsOf(run, hop, Math.ceil(width / 1.5));
    const x = columns.t.map((t) => box.x + (t - from) * scale);
    drawn.push({ columns, x });
    for (let band = columns.order.length - 1; band >= 0; --band) {
      const label = columns.order[band]!;
      const tops = columns.tops[band]!;
      ctx.beginPath();
      ctx.moveTo(x[0]!, bottom);
      for (let i = 0; i < x.length; ++i) ctx.lineTo(x[i]!, bottom - tops[i]! * box.h);
      ctx.lineTo(x[x.length - 1]!, bottom);
      ctx.closePath();
      ctx.fillStyle = colourOf(label, colours.dark);
      ctx.fill();
      if (colours.patterns) {
        ctx.fillStyle = patternTile(label, colours.dark);
        ctx.fill();
      }
      // A thin seam keeps neighbours apart whose colours are close in somebody's eyes.
      if (width < 3 * x.length) continue;
      ctx.beginPath();
      for (let i = 0; i < x.length; ++i) ctx.lineTo(x[i]!, bottom - tops[i]! * box.h);
      ctx.strokeStyle = colours.surface;
      ctx.lineWidth = 1;
      ctx.stroke();
    }
    veil(ctx, box, columns, x, colours);
  }
  paintMarks(ctx, box, scene, how.words);
  if (how.words) {
    const alerts = scene.marks.filter((mark) => mark.kind === "alert").map((mark) => box.x + (mark.t0 - from) * scale);
    for (const { columns, x } of drawn) directWords(ctx, box, columns, x, alerts, colours);
  }
  ctx.restore();

  const last = scene.points[scene.points.length - 1];
  const newest = drawn[drawn.length - 1];
  if (!how.tags || !last || !newest || last.label === kNoSpeech || to - last.t > 4 * hop) return;
  const end = newest.columns.t.length - 1;
  let low = 0;
  ctx.font = kFont;
  ctx.textAlign = "left";
  ctx.textBaseline = "middle";
  newest.columns.order.forEach((label, band) => {
    const top = newest.columns.tops[band]![end]!;
    if ((top - low) * box.h >= 10.5) {
      const y = bottom - ((top + low) / 2) * box.h;
      ctx.fillStyle = colours.muted;
      ctx.fillText(wordOf(label), box.x + box.w + 7, y + 0.5);
      ctx.fillStyle = colourOf(label, colours.dark);
      ctx.fillRect(box.x + box.w + 1, bottom - top * box.h + 1, 3, (top - low) * box.h - 2);
    }
    low = top;
  });
}

/** Mutes and hatches what is uncertain. */
function veil(ctx: CanvasRenderingContext2D, box: Box, columns: Columns, x: number[], colours: Colours): void {
  for (let i = 1; i < x.length; ++i) {
    if (!columns.uncertain[i]) continue;
    const begin = i;
    while (i + 1 < x.length && columns.uncertain[i + 1]) ++i;
    const x0 = x[begin - 1]!;
    const w = x[i]! - x0;
    ctx.globalAlpha = 0.58;
    ctx.fillStyle = colours.surface;
    ctx.fillRect(x0, box.y, w, box.h);
    ctx.globalAlpha = 0.85;
    ctx.fillStyle = hatch(colours.surface, 6, 1.6);
    ctx.fillRect(x0, box.y, w, box.h);
    ctx.globalAlpha = 1;
  }
}

/** Writes every band's word where it has most room, if it has any. */
function directWords(ctx: CanvasRenderingContext2D, box: Box, columns: Columns, x: number[], alerts: number[], colours: Colours): void {
  ctx.font = kFontStrong;
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  const bottom = box.y + box.h;
  columns.order.forEach((label, band) => {
    const word = wordOf(label);
    const half = ctx.measureText(word).width / 2 + 3;
    const tops = columns.tops[band]!;
    const lows = band > 0 ? columns.tops[band - 1]! : null;
    let best = 13;
    let bestX = 0;
    let bestY = 0;
    for (let i = 0; i < x.length; ++i) {
      const at = x[i]!;
      if (at - half < Math.max(box.x, x[0]!) || at + half > Math.min(box.x + box.w, x[x.length - 1]!)) continue;
      if (alerts.some((alert) => Math.abs(alert - at) < half + 3)) continue;
      let top = 1;
      let low = 0;
      for (let j = i; j >= 0; --j) {
        if (columns.uncertain[j]) top = 0;
        top = Math.min(top, tops[j]!);
        low = Math.max(low, lows ? lows[j]! : 0);
        if (x[j]! < at - half) break;
      }
      for (let j = i; j < x.length && (top - low) * box.h > best; ++j) {
        if (columns.uncertain[j]) top = 0;
        top = Math.min(top, tops[j]!);
        low = Math.max(low, lows ? lows[j]! : 0);
        if (x[j]! > at + half) break;
      }
      if ((top - low) * box.h > best) {
        best = (top - low) * box.h;
        bestX = at;
        bestY = bottom - ((top + low) / 2) * box.h;
      }
    }
    if (bestX === 0) return;
    ctx.fillStyle = inkOn(colourOf(label, colours.dark));
    ctx.fillText(word, bestX, bestY);
  });
}

/** The labels as a ribbon: as high as they are confident, with their words where there is room. */
export function paintRibbon(ctx: CanvasRenderingContext2D, box: Box, scene: Scene): void {
  const { from, to, hop, colours } = scene;
  const scale = box.w / (to - from);
  const bottom = box.y + box.h;
  ctx.save();
  ctx.beginPath();
  ctx.rect(box.x, box.y, box.w, box.h);
  ctx.clip();
  paintNoSpeech(ctx, box, scene, false);
  let runBegin = 0;
  let runEnd = 0;
  let runLabel = "";
  let runCertain = true;
  const words: { label: string; x0: number; x1: number }[] = [];
  const flush = (): void => {
    if (runLabel && runCertain) words.push({ label: runLabel, x0: runBegin, x1: runEnd });
  };
  for (let i = 0; i < scene.points.length; ++i) {
    let point = scene.points[i]!;
    const before = scene.points[i - 1];
    let x0 = box.x + (Math.max(before && point.t - before.t < 2.5 * hop ? before.t : 0, point.t - 2 * hop) - from) * scale;
    let x1 = box.x + (point.t - from) * scale;
    // Where several fall on one pixel, the most confident one stands for them.
    while (x1 - x0 < 1 && i + 1 < scene.points.length && scene.points[i + 1]!.t - point.t < 2.5 * hop) {
      const next = scene.points[++i]!;
      x1 = box.x + (next.t - from) * scale;
      if (next.label !== kNoSpeech && (point.label === kNoSpeech || next.confidence > point.confidence)) point = next;
    }
    if (point.label === kNoSpeech) {
      flush();
      runLabel = "";
      continue;
    }
    // Whole pixels: else neighbours would show a seam.
    x0 = Math.round(x0);
    x1 = Math.max(x0 + 1, Math.round(x1));
    const height = box.h * (0.3 + 0.7 * point.confidence);
    ctx.fillStyle = colourOf(point.label, colours.dark);
    ctx.fillRect(x0, bottom - height, x1 - x0, height);
    if (colours.patterns) {
      ctx.fillStyle = patternTile(point.label, colours.dark);
      ctx.fillRect(x0, bottom - height, x1 - x0, height);
    }
    if (point.uncertain) {
      ctx.globalAlpha = 0.6;
      ctx.fillStyle = colours.surface;
      ctx.fillRect(x0, box.y, x1 - x0, box.h);
      ctx.globalAlpha = 0.85;
      ctx.fillStyle = hatch(colours.surface, 5, 1.5);
      ctx.fillRect(x0, box.y, x1 - x0, box.h);
      ctx.globalAlpha = 1;
    }
    if (point.label === runLabel && !point.uncertain === runCertain && x0 - runEnd < 1.5) {
      runEnd = x1;
    } else {
      flush();
      runLabel = point.label;
      runCertain = !point.uncertain;
      runBegin = x0;
      runEnd = x1;
    }
  }
  flush();
  paintMarks(ctx, box, scene, true);
  ctx.font = kFont;
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  for (const { label, x0, x1 } of words) {
    const begin = Math.max(x0, box.x);
    const end = Math.min(x1, box.x + box.w);
    const word = wordOf(label);
    if (end - begin < ctx.measureText(word).width + 8) continue;
    ctx.fillStyle = inkOn(colourOf(label, colours.dark));
    ctx.fillText(word, (begin + end) / 2, bottom - box.h * 0.32);
  }
  ctx.restore();
}

/** Round times for an axis of about `count` ticks. */
export function ticks(from: number, to: number, count: number): number[] {
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600].map((s) => s * 1000);
  const step = steps.find((candidate) => (to - from) / candidate <= count) ?? 43_200_000;
  const shift = new Date(from).getTimezoneOffset() * 60_000;
  const result: number[] = [];
  for (let t = Math.ceil((from - shift) / step) * step + shift; t <= to; t += step) result.push(t);
  return result;
}
