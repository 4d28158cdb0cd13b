interface LimitFigures {
  readonly size: number | null;
  readonly maxOverflow: number | null;
  /** `maxOverflow` came from the pool itself, not from a configuration. */
  readonly maxOverflowMeasured: boolean;
  /** A ceiling the metrics publish as one number. */
  readonly ceiling: number | null;
  readonly checkedOut: number;
}

/**
 * How many connections a pool may open: size + max_overflow as SQLAlchemy's QueuePool has it.
 * Any negative max_overflow is no ceiling. A size of 0 is none either on SQLAlchemy 2 (which then turns
 * max_overflow into -1), but limits to max_overflow on 1.4: there the pool itself still reports it.
 * `QueuePool.overflow()` is no substitute for max_overflow: it is the present overflow, so the result would
 * always be nearly 100 % used.
 */
export function toLimit(figures: LimitFigures): number | 'unlimited' | null {
  const { size, maxOverflow, ceiling } = figures;
  if (ceiling !== null) return ceiling > 0 ? ceiling : 'unlimited';
  if (maxOverflow !== null && maxOverflow < 0) return 'unlimited';
  if (size === 0) return limitOfSizeZero(figures);
  return size === null || maxOverflow === null ? null : size + maxOverflow;
}

function limitOfSizeZero(figures: LimitFigures): number | 'unlimited' {
  const { maxOverflow, maxOverflowMeasured, checkedOut } = figures;
  if (!maxOverflowMeasured || maxOverflow === null || maxOverflow === 0) return 'unlimited';
  return checkedOut > maxOverflow ? 'unlimited' : maxOverflow;
}
