// Light or dark, patterns or none; the colours of the style sheet for what is drawn by hand.

import type { Pattern } from "./labels";
import { colourOf, patternOf } from "./labels";

export type Theme = "auto" | "light" | "dark";

export interface Colours {
  dark: boolean;
  patterns: boolean;
  surface: string;
  ink: string;
  muted: string;
  line: string;
  gap: string;
  alert: string;
}

const kDarkQuery = "(prefers-color-scheme: dark)";
const kContrastQuery = "(prefers-contrast: more)";
const listeners: (() => void)[] = [];
let current: Colours | null = null;
const tiles = new Map<string, CanvasPattern | string>();

function stored(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function store(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Where nothing may be kept it holds until the page is left.
  }
}

export function theme(): Theme {
  const value = document.documentElement.dataset.theme;
  return value === "light" || value === "dark" ? value : "auto";
}

export function setTheme(value: Theme): void {
  if (value === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = value;
  store("emotiond.theme", value);
  refresh();
}

export function patterns(): boolean {
  return document.documentElement.dataset.patterns === "on";
}

export function setPatterns(on: boolean): void {
  document.documentElement.dataset.patterns = on ? "on" : "off";
  store("emotiond.patterns", on ? "on" : "off");
  refresh();
}

function refresh(): void {
  current = null;
  tiles.clear();
  for (const listener of listeners) listener();
}

export function onTheme(listener: () => void): void {
  listeners.push(listener);
}

export function startTheme(): void {
  const kept = stored("emotiond.theme");
  if (kept === "light" || kept === "dark") document.documentElement.dataset.theme = kept;
  const marked = stored("emotiond.patterns");
  document.documentElement.dataset.patterns = (marked ?? (matchMedia(kContrastQuery).matches ? "on" : "off")) === "on" ? "on" : "off";
  matchMedia(kDarkQuery).addEventListener("change", refresh);
}

export function colours(): Colours {
  if (current) return current;
  const style = getComputedStyle(document.documentElement);
  const read = (name: string): string => style.getPropertyValue(name).trim();
  const chosen = theme();
  current = {
    dark: chosen === "dark" || (chosen === "auto" && matchMedia(kDarkQuery).matches),
    patterns: patterns(),
    surface: read("--surface"),
    ink: read("--ink"),
    muted: read("--muted"),
    line: read("--line"),
    gap: read("--gap"),
    alert: read("--alert"),
  };
  return current;
}

/** Black or white, whichever is read more easily on `colour`. */
export function inkOn(colour: string): string {
  const hex = /^#(..)(..)(..)$/.exec(colour);
  if (!hex) return "#fff";
  const linear = (text: string): number => {
    const value = parseInt(text, 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  const luminance = 0.2126 * linear(hex[1]!) + 0.7152 * linear(hex[2]!) + 0.0722 * linear(hex[3]!);
  return luminance > 0.179 ? "#000" : "#fff";
}

function tile(key: string, size: number, draw: (ctx: CanvasRenderingContext2D) => void): CanvasPattern | string {
  const known = tiles.get(key);
  if (known) return known;
  const ratio = window.devicePixelRatio || 1;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = Math.round(size * ratio);
  const ctx = canvas.getContext("2d")!;
  const scale = canvas.width / size;
  ctx.scale(scale, scale);
  draw(ctx);
  const pattern = ctx.createPattern(canvas, "repeat");
  pattern?.setTransform(new DOMMatrix().scale(1 / scale));
  const result = pattern ?? "transparent";
  tiles.set(key, result);
  return result;
}

/** Diagonal lines in `colour`, `step` apart. */
export function hatch(colour: string, step: number, width: number): CanvasPattern | string {
  return tile(`hatch ${colour} ${step} ${width}`, step, (ctx) => {
    ctx.strokeStyle = colour;
    ctx.lineWidth = width;
    ctx.beginPath();
    for (const shift of [-step, 0, step]) {
      ctx.moveTo(shift - 1, step + 1);
      ctx.lineTo(shift + step + 1, -1);
    }
    ctx.stroke();
  });
}

const kDraw: Record<Pattern, (ctx: CanvasRenderingContext2D) => void> = {
  plain: () => {},
  rows: (ctx) => ctx.fillRect(0, 2, 8, 1),
  columns: (ctx) => ctx.fillRect(3, 0, 1, 8),
  dots: (ctx) => {
    ctx.fillRect(1, 1, 2, 2);
    ctx.fillRect(5, 5, 2, 2);
  },
  checks: (ctx) => {
    ctx.fillRect(0, 0, 4, 4);
    ctx.fillRect(4, 4, 4, 4);
  },
  up: (ctx) => line(ctx, [[-1, 9, 9, -1], [-1, 1, 1, -1], [7, 9, 9, 7]]),
  down: (ctx) => line(ctx, [[-1, -1, 9, 9], [-1, 7, 1, 9], [7, -1, 9, 1]]),
  cross: (ctx) => {
    kDraw.up(ctx);
    kDraw.down(ctx);
  },
};

function line(ctx: CanvasRenderingContext2D, parts: number[][]): void {
  ctx.beginPath();
  for (const [x0, y0, x1, y1] of parts) {
    ctx.moveTo(x0!, y0!);
    ctx.lineTo(x1!, y1!);
  }
  ctx.stroke();
}

/** The label's pattern, to be laid over its colour. */
export function patternTile(label: string, dark: boolean): CanvasPattern | string {
  const ink = inkOn(colourOf(label, dark));
  const kind = patternOf(label);
  return tile(`${kind} ${ink}`, 8, (ctx) => {
    ctx.globalAlpha = 0.42;
    ctx.fillStyle = ctx.strokeStyle = ink;
    ctx.lineWidth = 1;
    kDraw[kind](ctx);
  });
}
