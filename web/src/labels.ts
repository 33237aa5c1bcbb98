// One colour and one pattern for each emotion, everywhere and always the same. The colours are far
// apart in OKLab for normal sight and for simulated protanopia, deuteranopia and tritanopia
// (test/labels.test.ts); the words beside them are what counts.

/**
 * From the baseline of a stacked graph upwards: what is unpleasant stands on the baseline, where
 * its height is easiest to read; what is quiet hangs from the top.
 */
export const kStack = ["angry", "disgust", "fearful", "sad", "surprised", "happy", "calm", "neutral"];

/** The order in which the emotions are listed. */
export const kLegend = [...kStack].reverse();

const kColours: Record<string, string> = {
  neutral: "#c9cdd3",
  calm: "#62abcb",
  happy: "#f1e06a",
  sad: "#34509f",
  angry: "#b5411f",
  fearful: "#8f70c6",
  disgust: "#3c9679",
  surprised: "#df9636",
};

/** Grey stays grey: on a dark page a dark one, for what is quiet is to be quiet there too. */
const kNeutralDark = "#434a54";

export type Pattern = "plain" | "rows" | "dots" | "up" | "cross" | "columns" | "down" | "checks";

const kPatterns: Record<string, Pattern> = {
  neutral: "plain",
  calm: "rows",
  happy: "dots",
  sad: "up",
  angry: "cross",
  fearful: "columns",
  disgust: "down",
  surprised: "checks",
};
const kOthers: Pattern[] = ["rows", "dots", "up", "cross", "columns", "down", "checks"];

/** FNV-1a: the same word has the same number on every page. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) value = Math.imul(value ^ byte, 0x01000193) >>> 0;
  return value;
}

export function colourOf(label: string, dark: boolean): string {
  if (label === "neutral" && dark) return kNeutralDark;
  const known = kColours[label];
  if (known) return known;
  const number = hash(label);
  const hue = number % 360;
  const light = 40 + (Math.floor(number / 360) % 3) * 11;
  return `hsl(${hue} 48% ${light}%)`;
}

export function patternOf(label: string): Pattern {
  return kPatterns[label] ?? kOthers[hash(label) % kOthers.length];
}

/** `labels` from the baseline upwards; those that are not known come on top, by name. */
export function stackOrder(labels: readonly string[]): string[] {
  const known = kStack.filter((label) => labels.includes(label));
  const others = labels.filter((label) => !kStack.includes(label)).sort();
  return [...known, ...others];
}

/** `labels` in the order of the legend, from the top of the graph down. */
export function legendOrder(labels: readonly string[]): string[] {
  return stackOrder(labels).reverse();
}

/** The label as a word: `no_speech` is "no speech". */
export function wordOf(label: string): string {
  return label.replaceAll("_", " ");
}
