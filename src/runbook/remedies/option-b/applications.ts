import type { OptionBPorts } from './ports.ts';
import { count } from '../../snapshot/wording.ts';

const applicationsPollMs = 1000;

/** Sessions of each configured service, by its name. Null when they could not be read. */
export type ApplicationSessions = ReadonlyMap<string, number> | null;

export async function readApplications({
  takeSnapshot,
  target,
}: OptionBPorts): Promise<ApplicationSessions> {
  const { reading } = (await takeSnapshot()).database;
  if (reading === undefined) return null;
  const { sources } = reading;
  return new Map(
    target.services.map(({ name, application = name }) => {
      const own = sources.filter((source) => source.application === application);
      return [name, own.reduce((sum, { total }) => sum + total, 0)];
    }),
  );
}

/**
 * Waits until every service that had sessions before has some again, and says how it stands. Pools open
 * connections when somebody needs one, so a quiet service that shows none is no failure.
 */
export async function awaitApplications(
  ports: OptionBPorts,
  before: ApplicationSessions,
): Promise<string> {
  const { clock, returnWithinMs } = ports;
  const deadline = clock.now() + returnWithinMs;
  for (;;) {
    const now = await readApplications(ports);
    const missing = missingOf(before, now);
    if (missing?.length === 0) return toSentence(before, now);
    if (clock.now() >= deadline) {
      const seconds = Math.round(returnWithinMs / 1000);
      return `${toSentence(before, now)} ${missing === undefined ? 'Sessions could not be read' : `Not back within ${seconds} s: ${missing.join(', ')}`}.`;
    }
    await clock.sleep(applicationsPollMs);
  }
}

function missingOf(before: ApplicationSessions, now: ApplicationSessions): string[] | undefined {
  if (now === null) return undefined;
  return [...(before ?? [])]
    .filter(([name, sessions]) => sessions > 0 && (now.get(name) ?? 0) === 0)
    .map(([name]) => name);
}

function toSentence(before: ApplicationSessions, now: ApplicationSessions): string {
  const parts = [...(now ?? [])].map(([name, sessions]) => {
    const earlier = before?.get(name);
    return `${name} ${count(sessions, 'session')}${earlier === undefined ? '' : ` (${earlier} before)`}`;
  });
  return parts.length === 0 ? 'No service is configured to be seen again.' : `${parts.join(', ')}.`;
}
