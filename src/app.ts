import type { App, Deps } from './app/deps.ts';
import type { Config } from './config/config.ts';

/** The one composition root: nothing else wires adapters. */
export function createApp(config: Config, deps: Deps): App {
  const targets = once(async () => {
    if (deps.targets !== undefined) return deps.targets;
    const { openTargets } = await import('./app/target-adapters.ts');
    return openTargets(config, deps);
  });
  const journal = once(async () => {
    const { openJournal } = await import('./app/journal.ts');
    const opened = await openJournal(config, deps);
    return deps.wrapJournal?.(opened) ?? opened;
  });
  const steadyClock = once(async () => {
    const { openSteadyClock } = await import('./runbook/incidents/steady-clock.ts');
    return openSteadyClock(await journal.get(), deps.clock);
  });
  const app: App = {
    config,
    deps,
    targets: targets.get,
    journal: journal.get,
    steadyClock: steadyClock.get,
    async approvals(options) {
      const { openApprovals } = await import('./app/approvals.ts');
      const parts = { journal: await journal.get(), clock: await steadyClock.get() };
      return openApprovals(app, { ...options, ...parts, ...(await targets.get()) });
    },
    async dryRun(options) {
      const { openDryRun } = await import('./app/approvals.ts');
      return openDryRun(app, { ...options, ...(await targets.get()) });
    },
    async incidents() {
      const { openIncidents } = await import('./app/incidents.ts');
      return openIncidents({ config, log: await journal.get(), clock: deps.clock });
    },
    async doctor(target, environment) {
      const { runDoctor } = await import('./app/incidents.ts');
      return runDoctor(app, target, environment);
    },
    async bot(slack, log) {
      const { openBot } = await import('./app/bot.ts');
      return openBot({ app, slack, log });
    },
    async close() {
      try {
        await (await targets.made())?.monitor.close();
      } finally {
        await (await journal.made())?.close();
      }
    },
  };
  return deps.readsOnly === true ? { ...app, ...refusals } : app;
}

function refuse(): Promise<never> {
  return Promise.reject(new Error('This dbconn only reads.'));
}

/** Instead of every part of an app that proposes, decides, runs, writes, or logs in with another role. */
const refusals = {
  steadyClock: refuse,
  approvals: refuse,
  dryRun: refuse,
  incidents: refuse,
  doctor: refuse,
  bot: refuse,
} satisfies Partial<App>;

interface Once<T> {
  readonly get: () => Promise<T>;
  /** Undefined where nobody asked for it, or it could not be made. */
  readonly made: () => Promise<T | undefined>;
}

function once<T>(make: () => Promise<T>): Once<T> {
  let made: Promise<T> | undefined;
  return {
    get: () => (made ??= make()),
    made: async () => made?.catch(() => undefined),
  };
}
