import { WebAPIPlatformError } from '@slack/web-api';
import type { IncidentReport } from '../../runbook/post-incident/report.ts';
import type { SlackWriter } from './thread.ts';

/** A night has few people; a report names the others by their ids. */
const mostPeople = 30;

/** The names of the people in a report, by Slack id, as their profiles have them. Who cannot be looked up is missing. */
export async function readNames(
  { client, reading }: SlackWriter,
  report: IncidentReport,
): Promise<ReadonlyMap<string, string>> {
  const names = new Map<string, string>();
  for (const user of peopleIn(report).slice(0, mostPeople)) {
    try {
      const { user: found } = await reading.send(() => client.users.info({ user }), 'repeatable');
      const name = [found?.profile?.display_name, found?.real_name, found?.name].find(
        (one) => one !== undefined && one !== '',
      );
      if (name !== undefined) names.set(user, name);
    } catch (error) {
      if (!(error instanceof WebAPIPlatformError)) throw error;
      // Without the scope nobody's name is known: asking for the next one would be as vain.
      if (error.data.error === 'missing_scope') break;
    }
  }
  return names;
}

/** Everybody a report mentions or quotes, in the order they come. */
function peopleIn({ incident, timeline, remedies }: IncidentReport): string[] {
  const actors = [
    incident.assignee?.by,
    ...remedies.flatMap(({ proposedBy, votes, brokenGlass }) => [
      proposedBy,
      ...votes.map(({ by }) => by),
      brokenGlass?.by,
    ]),
    ...timeline.map(({ by }) => by),
    ...incident.checklist.map(({ by }) => by),
  ];
  const mentioned = timeline.flatMap(({ sentence }) =>
    [...(sentence ?? '').matchAll(/<@([UW][A-Z0-9]+)>/g)].map(([, id = '']) => id),
  );
  const ids = actors.flatMap((actor) => (actor?.via === 'slack' ? [actor.id] : []));
  return [...new Set([...ids, ...mentioned])];
}
