/**
 * Keeps a label's values to so many: every new one is a series that Prometheus stores for weeks. What comes after
 * the last is counted as `other`.
 */
export function boundLabel(most: number, known: readonly string[] = []): (value: string) => string {
  const seen = new Set(known);
  return (value) => {
    if (seen.has(value)) return value;
    if (seen.size >= most) return 'other';
    seen.add(value);
    return value;
  };
}
