/** A call to Docker took longer than it was given. */
export class BudgetExceeded extends Error {
  readonly budgetMs: number;

  constructor(budgetMs: number) {
    super(`No answer within ${budgetMs} ms.`);
    this.name = 'BudgetExceeded';
    this.budgetMs = budgetMs;
  }
}

/**
 * Runs one call with a time of its own, so that a container that hangs delays nobody else. The client's
 * `timeout` option would not do: it watches for silence only, and would cut a restart that takes its time.
 * Throws BudgetExceeded when the time is up; the engine may go on with what it was asked all the same.
 */
export async function withinBudget<T>(
  budgetMs: number,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const budget = new AbortController();
  const { promise: tooLate, reject } = Promise.withResolvers<never>();
  // Not AbortSignal.timeout: its timer does not keep the process alive, and a lone look would end unanswered.
  const timer = setTimeout(() => {
    // First this rejection, or the abort's own error would win and say nothing of a time-out.
    reject(new BudgetExceeded(budgetMs));
    budget.abort();
  }, budgetMs);
  try {
    return await Promise.race([call(budget.signal), tooLate]);
  } finally {
    clearTimeout(timer);
  }
}
