import { descriptions, incidentUsages, proposalUsages } from '../../runbook/commands/words.ts';
import { take } from '../limits.ts';
import { sentence, topic } from './parts/lists.ts';
import type { Message } from './parts/message.ts';
import { toMessage } from './parts/message.ts';
import { between, code, plain } from './parts/rich-text.ts';
import type { Leaf } from './parts/rich-text.ts';

/** The words of `/dbconn`, what was wrong with the one typed, and the targets it knows. */
export function helpMessage(targets: readonly string[], problem?: string): Message {
  const words = Object.entries(descriptions).map(([word, description]): Leaf[] => [
    code(`/dbconn ${word}`),
    between(' '),
    plain(description),
  ]);
  const { taken, more } = take(targets, 20);
  const names = `${taken.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
  return toMessage(problem ?? 'What you can type after /dbconn', [
    ...(problem === undefined ? [] : [sentence(problem)]),
    topic('A word, and after it a target where there are several', words),
    topic(
      'What can be proposed, and where several targets are, its target at the end',
      proposalUsages.map(toLeaves),
    ),
    topic('What can be done with an incident', incidentUsages.map(toLeaves)),
    sentence(`Targets: ${names === '' ? 'none' : names}`),
  ]);
}

function toLeaves([usage, what]: readonly [usage: string, what: string]): Leaf[] {
  return [code(`/dbconn ${usage}`), between(' '), plain(what)];
}
