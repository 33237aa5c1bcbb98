// The verdicts that the page itself has heard, as CSV, where the server keeps no history.

import { csvField } from "./format";
import type { Point } from "./store";

export function csvOf(stream: string, points: readonly Point[]): string {
  const labels = [...new Set(points.flatMap((point) => [...point.labels]))];
  const head = ["time", "epoch", "stream", "seq", "label", "confidence", "uncertain", ...labels, "valence", "arousal", "speech", "voiced", "level_dbfs", "model", "latency_ms"];
  const rows = points.map((point) => [
    new Date(point.t).toISOString(), point.epoch, stream, point.seq, point.label, point.confidence, point.uncertain,
    ...labels.map((label) => point.scores[point.labels.indexOf(label)]),
    point.valence, point.arousal, point.speech, point.voiced, point.level, point.model, point.latency?.total,
  ]);
  return [head, ...rows].map((row) => row.map(csvField).join(",")).join("\r\n") + "\r\n";
}
