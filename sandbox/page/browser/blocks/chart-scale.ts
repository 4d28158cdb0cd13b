/** The value axis of a chart: round ticks that enclose all values. */
export interface ChartScale {
  readonly ticks: readonly number[];
  /** Share of the height, 0 at the lowest tick and 1 at the highest. */
  share(value: number): number;
}

/**
 * Chooses about four round ticks. The axis begins at zero unless a value is below it, so that a
 * small change never looks like a cliff.
 */
export function chooseScale(values: readonly number[]): ChartScale {
  const low = Math.min(0, ...values);
  const highest = Math.max(0, ...values);
  const high = highest > low ? highest : low + 1;
  const step = roundStep((high - low) / 4);
  const first = Math.floor(low / step);
  const last = Math.ceil(high / step);
  const ticks = Array.from({ length: last - first + 1 }, (_, index) => (first + index) * step).map(
    // 3 * 0.1 is 0.30000000000000004 and would be printed so.
    (tick) => Number(tick.toPrecision(12)),
  );
  return { ticks, share: (value) => (value - first * step) / ((last - first) * step) };
}

/** The next step of the form 1, 2, 2.5 or 5 times a power of ten. */
function roundStep(atLeast: number): number {
  const power = 10 ** Math.floor(Math.log10(atLeast));
  const factor = [1, 2, 2.5, 5].find((each) => each * power >= atLeast * (1 - 1e-9)) ?? 10;
  return factor * power;
}

/** Which of `count` labels to print so that at most `room` stand side by side; the last one always. */
export function chooseLabels(count: number, room: number): readonly number[] {
  const every = Math.max(1, Math.ceil(count / Math.max(1, room)));
  return Array.from({ length: count }, (_, index) => index).filter(
    (index) => (count - 1 - index) % every === 0,
  );
}
