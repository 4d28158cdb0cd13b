import { readConfig } from '../../src/config/config.ts';
import type { Config } from '../../src/config/config.ts';
import type { Rule } from '../../src/config/entries.ts';
import { Action } from '../../src/runbook/remedies/remedy-request.ts';
import type { Target } from '../../src/runbook/snapshot/target.ts';

interface Configured {
  /** The journal's address. */
  readonly journal: string;
  readonly targets: readonly Target[];
  /** Where all of them are, unless a test hands in what reaches them. */
  readonly database?: { readonly url: string; readonly actingUrl?: string };
  /** The rule of these actions, or of every one; its second run needs no pause. */
  readonly actions?: readonly Action[];
  readonly rule: Partial<Rule>;
  readonly approval?: Partial<Config['approval']>;
  readonly verifyAfterMs: number;
}

/** What a dbconn.yml would say: nothing is checked unasked, and incidents call nobody. */
export function configOf({
  journal,
  targets,
  database = { url: 'postgres://nobody@127.0.0.1:9/none' },
  actions = Action.options,
  verifyAfterMs,
  ...given
}: Configured): Config {
  const config = readConfig({ DATABASE_URL: database.url, DBCONN_JOURNAL: journal });
  const rule = {
    propose: [],
    approve: [],
    votes: 1,
    clusterWideVotes: 1,
    cooldown: 0,
    ...given.rule,
  };
  const rules = Object.fromEntries(actions.map((action) => [action, rule]));
  return {
    ...config,
    targets: config.targets.flatMap((entry) =>
      targets.map((target) => ({
        ...entry,
        database: { ...entry.database, ...database },
        target,
        escalation: [],
      })),
    ),
    approval: { ...config.approval, ...rules, verifyAfter: verifyAfterMs, ...given.approval },
    incidents: { ...config.incidents, watch: false },
  };
}
