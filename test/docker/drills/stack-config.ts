import { dana, database, jonas } from '../../drills/support/conversation.ts';
import type { Stack } from '../stack.ts';

export interface ConfigOptions {
  /** Whose login acts, where it is not the acting role's. */
  readonly actingUrl?: string;
  /** The compose project's directory, with its `.env`. */
  readonly directory?: string;
  /** Where the backends answer, where the stack no longer knows: a container made anew has another id. */
  readonly urls?: readonly string[];
  /** What is said of the backend beside its name. */
  readonly service?: Readonly<Record<string, unknown>>;
  /** Between a change and the look that tells whether it helped. */
  readonly verifyAfter?: string;
}

/** The dbconn.yml of somebody who runs a stack; every duration is seconds. */
export async function configOf(
  stack: Stack,
  { actingUrl = stack.actingUrl, directory, urls, verifyAfter = '2s', service }: ConfigOptions,
): Promise<Readonly<Record<string, unknown>>> {
  const backends = urls ?? (await stack.backendUrls());
  const rule = { approve: [jonas, dana], cooldown: '0s' };
  const actions = ['A', 'B', 'C', 'D', 'E', 'prepared', 'prevention'] as const;
  return {
    slack: { channel: database },
    targets: [
      {
        name: 'shop',
        database: { url: stack.lookingUrl, actingUrl },
        compose: {
          project: stack.project,
          postgres: 'postgres',
          ...(directory !== undefined && { directory }),
        },
        services: [{ name: 'backend', ...service }],
        pools: backends.map((url) => ({ service: 'backend', url: `${url}/metrics` })),
        limits: {
          terminateIdleInTransaction: '1s',
          idleInTransactionWarning: '1s',
          terminateIdle: '1s',
          lockWait: '1s',
        },
      },
    ],
    approval: { verifyAfter, ...Object.fromEntries(actions.map((action) => [action, rule])) },
  };
}
