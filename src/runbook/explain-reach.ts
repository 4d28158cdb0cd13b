import type { DatabaseSnapshot, Part, ReachError, ServicesReading } from './snapshot/snapshot.ts';
import type { Target } from './snapshot/target.ts';

const stopped: ReachError = {
  kind: 'stopped',
  summary: 'PostgreSQL cannot be reached, and its container is not running.',
  fix: 'Start it, and read the end of its log.',
};

const starting: ReachError = {
  kind: 'stopped',
  detail: 'starting',
  summary: 'PostgreSQL cannot be reached, and Docker is starting its container again.',
  fix: 'Read the end of its log: a container that starts again and again ends again and again.',
};

const frozen: ReachError = {
  kind: 'frozen',
  summary: 'PostgreSQL cannot be reached, and its container is paused.',
  fix: 'See who paused it; docker unpause lets it go on.',
};

/**
 * A stopped container takes its name and its address out of Docker's network, so that from inside of that
 * network a stopped server looks like a wrong host name or a broken route. The container itself tells.
 */
export function explainReach(
  database: DatabaseSnapshot,
  services: Part<ServicesReading>,
  { postgresService }: Target,
): DatabaseSnapshot {
  if (database.reading !== undefined || database.reach.error?.kind !== 'network' || !services.ok) {
    return database;
  }
  const found = services.value.services.find(({ name }) => name === postgresService);
  const error = whyDown((found?.replicas ?? []).map(({ state }) => state));
  return error === undefined ? database : { ...database, reach: { ...database.reach, error } };
}

/** One container that runs is enough for the network to be the trouble. */
function whyDown(states: readonly string[]): ReachError | undefined {
  if (states.length === 0 || states.includes('running')) return undefined;
  if (states.includes('paused')) return frozen;
  return states.includes('restarting') ? starting : stopped;
}
