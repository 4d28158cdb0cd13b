/**
 * Keeps a label's values to so many: every new one is a series that Prometheus stores for weeks. What comes after
 * the last is counted as `other`.
 */
export function boundLabel(most: number, known: readonly string[] = []): (value: string) => string {
  const kept = new Set(known);
  return (value) => {
    if (kept.has(value)) return value;
    if (kept.size >= most) return 'other';
    kept.add(value);
    return value;
  };
}
