import { systemClock } from './clock.ts';
import type { Config } from './config/config.ts';
import { noJournal } from './journal/no-journal.ts';
import { openApprovals } from './app/approvals.ts';
import { openJournal } from './app/journal.ts';
import { createTargetAdapters } from './app/target-adapters.ts';
import type { Actor } from './runbook/approval/actor.ts';
import { change } from './terminal/change.ts';
import type { Change } from './terminal/change.ts';
import type { Paint } from './terminal/render/layout.ts';
import { renderStep } from './terminal/render-requests.ts';
import type { CommandResult } from './terminal/said.ts';
import { openSteadyClock } from './runbook/incidents/steady-clock.ts';

export interface ChangeCommandParts {
  readonly config: Config;
  readonly actor: Actor;
  readonly paint: Paint;
  readonly dryRun: boolean;
}

/** Proposes, previews, denies, stops: through the same door as Slack. Throws JournalUnavailable. */
export async function runChangeCommand(
  { config, actor, paint, dryRun }: ChangeCommandParts,
  command: Change,
): Promise<CommandResult> {
  const targetAdapters = await createTargetAdapters(config, systemClock);
  const journal = dryRun ? undefined : await openJournal(config, systemClock, console.warn);
  try {
    const clock = journal === undefined ? systemClock : await openSteadyClock(journal, systemClock);
    const approvals = openApprovals({
      config,
      targetAdapters,
      journal: journal ?? noJournal,
      clock,
      // Only what the exception runs has steps here.
      onChange: (_, progress) => progress !== undefined && console.log(renderStep(progress)),
      onFault: (_, error) => console.error(error),
    });
    const targets = targetAdapters.map(({ target }) => target);
    return await change({ approvals, actor, targets, dryRun, paint }, command);
  } finally {
    await Promise.all(targetAdapters.map(({ database }) => database.close()));
    await journal?.close();
  }
}
