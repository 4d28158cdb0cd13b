import type { JournalDraft } from '../../src/runbook/approvals/journal.ts';

/** Stands around every method of a journal that writes an entry: those that take its draft last. */
export function aroundWrites<T extends object>(
  journal: T,
  around: (draft: JournalDraft, write: () => unknown) => Promise<unknown>,
): T {
  return new Proxy(journal, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== 'function') return method;
      return (...args: unknown[]): unknown => {
        const call = (): unknown => Reflect.apply(method, target, args);
        const draft = args.at(-1);
        return isDraft(draft) ? around(draft, call) : call();
      };
    },
  });
}

function isDraft(value: unknown): value is JournalDraft {
  return typeof value === 'object' && value !== null && 'kind' in value && 'body' in value;
}

/** Ends this process as a machine that loses its power would. */
export function die(): Promise<never> {
  process.kill(process.pid, 'SIGKILL');
  // The signal is on its way; nothing more may happen until it is here.
  return new Promise(() => undefined);
}
