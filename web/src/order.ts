// In which order the streams stand.

export const kSorts = ["name", "state", "negative", "aroused"] as const;
export type Sort = (typeof kSorts)[number];

export interface Row {
  readonly name: string;
  readonly state: string;
  /** How many alerts are raised. */
  readonly alerts: number;
  /** Running means; null without a voice in the last while. */
  readonly valence: number | null;
  readonly arousal: number | null;
}

const names = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
const kStates = ["lost", "live", "silent", "paused", "ended"];
const place = (state: string): number => (kStates.indexOf(state) + kStates.length + 1) % (kStates.length + 1);

function falling(a: number | null, b: number | null): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
  return b - a;
}

/** Alerts first, then by `sort`, then by name; desk2 stands before desk10. */
export function ordered<T extends Row>(rows: readonly T[], sort: Sort): T[] {
  const by: Record<Sort, (a: T, b: T) => number> = {
    name: () => 0,
    state: (a, b) => place(a.state) - place(b.state),
    negative: (a, b) => falling(a.valence === null ? null : -a.valence, b.valence === null ? null : -b.valence),
    aroused: (a, b) => falling(a.arousal, b.arousal),
  };
  return [...rows].sort(
    (a, b) =>
      Number(b.alerts > 0) - Number(a.alerts > 0) || by[sort](a, b) || names.compare(a.name, b.name) ||
      (a.name < b.name ? -1 : a.name > b.name ? 1 : 0),
  );
}

/** Whether the name holds every word of the filter, case aside. */
export function matches(name: string, filter: string): boolean {
  const text = name.toLowerCase();
  return filter.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}
