import { createApp } from '../../src/app.ts';
import type { App, ApprovalOptions, Deps } from '../../src/app/deps.ts';
import type { Config } from '../../src/config/config.ts';
import type { Approvals } from '../../src/runbook/approvals/approvals.ts';
import { systemClock } from '../../src/timing.ts';
import { allMembers } from './people.ts';

interface Opened {
  readonly app: App;
  readonly approvals: Approvals;
  /** What broke off, for the test to look at. */
  readonly faults: readonly unknown[];
}

/** The approvals of a dbconn without Slack, in which everybody is a member. */
export async function openApprovals(
  config: Config,
  { onChange = () => undefined, ...deps }: Partial<Deps & Pick<ApprovalOptions, 'onChange'>> = {},
): Promise<Opened> {
  const app = createApp(config, { clock: systemClock, warn: () => undefined, ...deps });
  const faults: unknown[] = [];
  const onFault = (_id: string, error: unknown): void => void faults.push(error);
  const approvals = await app.approvals({ people: allMembers, onChange, onFault });
  return { app, approvals, faults };
}
