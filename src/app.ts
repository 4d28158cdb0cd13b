import type { App, Before, Deps } from './app/deps.ts';
import type { Config } from './config/config.ts';
import type { StoredJournal } from './journal/stored-journal.ts';
import type { SteadyClock } from './runbook/incidents/steady-clock.ts';

/** The one composition root: nothing else wires adapters. */
export function createApp(config: Config, deps: Deps): App {
  const journal = once(async () => {
    const { openJournal } = await import('./app/journal.ts');
    const opened = await openJournal(config, deps);
    return deps.wrapJournal?.(opened) ?? opened;
  });
  const steadyClock = once(async () => {
    const { openSteadyClock } = await import('./runbook/incidents/steady-clock.ts');
    return openSteadyClock(await journal.get(), deps.clock);
  });
  return buildApp(config, { deps, journal, steadyClock });
}

/** Earlier rules: a request waits for its votes for minutes, and nobody edits them more often in that time. */
const mostRemembered = 20;

/** What stays when the configuration is replaced. */
interface Lasting {
  readonly deps: Deps;
  readonly journal: Once<StoredJournal>;
  readonly steadyClock: Once<SteadyClock>;
}

function buildApp(config: Config, lasting: Lasting, before?: Before): App {
  const { deps, journal, steadyClock } = lasting;
  const targets = once(async () => {
    if (deps.targets !== undefined) return deps.targets;
    const { openTargets } = await import('./app/target-adapters.ts');
    return openTargets(config, deps, before?.targets);
  });
  const app: App = {
    config,
    ...(before !== undefined && { before }),
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
      const { openReloadable } = await import('./app/reload.ts');
      return openReloadable({ app, slack, log });
    },
    async withConfig(next) {
      const approvals = [config.approval, ...(before?.approvals ?? [])].slice(0, mostRemembered);
      const names = config.targets.map(({ target }) => target.name);
      return buildApp(next, lasting, { targets: await targets.get(), names, approvals });
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
  withConfig: refuse,
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
