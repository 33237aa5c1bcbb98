// Sets of spans of time: sorted, apart from each other.

export type Span = readonly [from: number, to: number];

/** `spans` in order, those that touch or overlap as one. */
export function merged(spans: readonly Span[]): Span[] {
  const result: [number, number][] = [];
  for (const [from, to] of [...spans].sort((a, b) => a[0] - b[0])) {
    if (to <= from) continue;
    const last = result[result.length - 1];
    if (last && from <= last[1]) last[1] = Math.max(last[1], to);
    else result.push([from, to]);
  }
  return result;
}

/** What is left of `spans` without `holes`. */
export function without(spans: readonly Span[], holes: readonly Span[]): Span[] {
  let rest = merged(spans);
  for (const [from, to] of merged(holes)) {
    rest = rest.flatMap((span): Span[] => {
      if (to <= span[0] || from >= span[1]) return [span];
      const parts: Span[] = [];
      if (from > span[0]) parts.push([span[0], from]);
      if (to < span[1]) parts.push([to, span[1]]);
      return parts;
    });
  }
  return rest;
}
