import type { Lookup, People } from '../ports/people.ts';

/** For a process that does not speak to Slack, such as the terminal: nobody there can be looked up. */
export const nobodyKnown: People = {
  readPerson: () => Promise.resolve(unknown),
  readGroup: () => Promise.resolve(unknown),
};

const unknown: Lookup<never> = {
  ok: false,
  why: 'this process does not speak to Slack.',
  fix: 'Do it in Slack.',
};
