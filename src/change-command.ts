import { systemClock } from './clock.ts';
import type { Config } from './config.ts';
import { noJournal } from './journal/no-journal.ts';
import { openDoor } from './open-door.ts';
import { openJournal } from './open-journal.ts';
import { createPatients } from './patients.ts';
import type { Actor } from './runbook/approval/actor.ts';
import { change } from './terminal/change.ts';
import type { Change } from './terminal/change.ts';
import type { Paint } from './terminal/layout.ts';
import { renderNews } from './terminal/render-requests.ts';
import type { Said } from './terminal/said.ts';
import { openSteadyClock } from './runbook/steady-clock.ts';

export interface ChangeCommandParts {
  readonly config: Config;
  readonly actor: Actor;
  readonly paint: Paint;
  readonly dryRun: boolean;
}

/** Proposes, previews, denies, stops: through the same door as Slack. Throws JournalUnavailable. */
export async function runChangeCommand(
  { config, actor, paint, dryRun }: ChangeCommandParts,
  asked: Change,
): Promise<Said> {
  const patients = await createPatients(config, systemClock);
  const journal = dryRun ? undefined : await openJournal(config, systemClock, console.warn);
  try {
    const clock = journal === undefined ? systemClock : await openSteadyClock(journal, systemClock);
    const door = openDoor({
      config,
      patients,
      journal: journal ?? noJournal,
      clock,
      // Only what the exception runs has steps here.
      onChange: (_, news) => news !== undefined && console.log(renderNews(news)),
      onFault: (_, error) => console.error(error),
    });
    const targets = patients.map(({ target }) => target);
    return await change({ door, actor, targets, dryRun, paint }, asked);
  } finally {
    await Promise.all(patients.map(({ database }) => database.close()));
    await journal?.close();
  }
}
