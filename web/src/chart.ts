// uPlot, as the detail view uses it: the range comes from outside, the cursor is shared.

import uPlot from "uplot";
import { h } from "./dom";
import { clock, clockShort } from "./format";
import { ticks } from "./graph";
import { colours } from "./theme";

export interface Line {
  name: string;
  colour: () => string;
  dash?: number[];
}

export interface ChartOptions {
  id: string;
  title: string;
  /** Beside the title: what the reader must know of these numbers. */
  remark?: string;
  height: number;
  range: [number, number | null];
  splits: number[] | null;
  unit?: string;
  lines: Line[];
  /** Whether the times stand below it. */
  times: boolean;
  bounds: () => readonly [number, number];
  select: (from: number, to: number) => void;
  cursor: (index: number | null) => void;
  /** Draws below the lines, in CSS pixels. */
  paint: (ctx: CanvasRenderingContext2D, box: { x: number; y: number; w: number; h: number }) => void;
}

const kFont = '11px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif';
export const kAxis = 46;
export const kRight = 10;
/** Half the width of a digit, generously: what has no room on the right is left out. */
const kHalfDigit = 3.5;

export class Chart {
  readonly element: HTMLElement;
  readonly #holder = h("div", { class: "chart-plot" });
  #plot: uPlot | null = null;
  #data: uPlot.AlignedData = [[]];

  constructor(private readonly options: ChartOptions) {
    const keys = options.lines.length > 1 ? options.lines.map((line) => h("span", { class: `key key-${line.dash ? "dashed" : "solid"}`, "data-line": line.name }, line.name)) : [];
    this.element = h(
      "figure",
      { class: "chart", "data-testid": `chart-${options.id}` },
      h("figcaption", {}, h("h3", {}, options.title), ...keys, options.remark ? h("span", { class: "quiet" }, options.remark) : null),
      this.#holder,
    );
  }

  set(data: uPlot.AlignedData): void {
    this.#data = data;
    if (this.#plot) this.#plot.setData(data);
    else this.#build();
  }

  /** To its place's width. */
  size(): void {
    const width = this.#holder.clientWidth;
    if (this.#plot && width > 0 && width !== this.#plot.width) this.#plot.setSize({ width, height: this.options.height });
  }

  repaint(): void {
    this.#plot?.redraw(false, true);
  }

  destroy(): void {
    this.#plot?.destroy();
    this.#plot = null;
  }

  #build(): void {
    const { options } = this;
    const width = this.#holder.clientWidth;
    if (width === 0) return;
    const axis = { font: kFont, stroke: () => colours().muted, grid: { stroke: () => colours().line, width: 1 }, ticks: { stroke: () => colours().line, width: 1, size: 4 } };
    const [low, high] = options.range;
    this.#plot = new uPlot(
      {
        width,
        height: options.height,
        ms: 1,
        padding: [6, kRight, options.times ? 0 : 6, 0],
        legend: { show: false },
        cursor: {
          y: false,
          sync: { key: "detail" },
          drag: { x: true, y: false, setScale: false },
          points: { show: options.lines.length > 0, size: 6 },
        },
        scales: {
          x: { time: true, range: () => options.bounds() as [number, number] },
          y: { range: (_plot, _min, max) => [low, high ?? Math.max(10, Number.isFinite(max) ? max * 1.1 : 10)] },
        },
        axes: [
          {
            ...axis,
            show: options.times,
            size: 26,
            gap: 3,
            splits: (plot, _axis, min, max) => ticks(min, max, Math.max(2, (plot.width - kAxis) / 90)),
            values: (plot, splits) => {
              const [from, to] = options.bounds();
              return splits.map((t) => {
                const text = t % 60_000 === 0 ? clockShort(t) : clock(t);
                const room = kRight + ((to - t) / (to - from)) * (plot.width - kAxis - kRight);
                return room < kHalfDigit * text.length ? "" : text;
              });
            },
          },
          {
            ...axis,
            size: kAxis,
            gap: 4,
            ...(options.splits ? { splits: options.splits } : { space: 24 }),
            values: (_plot, splits) => splits.map((value) => `${String(value).replace("-", "−")}${options.unit ?? ""}`),
          },
        ],
        series: [
          {},
          ...(options.lines.length > 0 ? options.lines : [null]).map((line): uPlot.Series =>
            line
              ? { stroke: line.colour, width: 1.5, points: { show: false }, spanGaps: false, ...(line.dash ? { dash: line.dash } : {}) }
              : { paths: () => null, points: { show: false } },
          ),
        ],
        hooks: {
          drawAxes: [
            (plot) => {
              const ratio = plot.width > 0 ? plot.ctx.canvas.width / plot.width : 1;
              plot.ctx.save();
              plot.ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
              const { left, top, width: w, height } = plot.bbox;
              options.paint(plot.ctx, { x: left / ratio, y: top / ratio, w: w / ratio, h: height / ratio });
              plot.ctx.restore();
            },
          ],
          setCursor: [(plot) => options.cursor(plot.cursor.left !== undefined && plot.cursor.left >= 0 ? (plot.cursor.idx ?? null) : null)],
          setSelect: [
            (plot) => {
              if (plot.select.width < 4) return;
              const from = plot.posToVal(plot.select.left, "x");
              const to = plot.posToVal(plot.select.left + plot.select.width, "x");
              plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
              options.select(from, to);
            },
          ],
        },
      },
      this.#data,
      this.#holder,
    );
  }
}
