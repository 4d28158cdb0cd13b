import type { Lookup, People, Person, Standing } from '../../src/runbook/approvals/people.ts';

/** A workspace in which everybody is a member and there are no user groups. */
export const allMembers: People = {
  readPerson: (id) => Promise.resolve({ ok: true, value: { id, standing: 'member' } }),
  readGroup: () =>
    Promise.resolve({ ok: false, why: 'there is no such group.', fix: 'Name another.' }),
};

/** What Slack would say, as a test has set it; everybody is a member unless said otherwise. */
export class HandPeople implements People {
  readonly standings = new Map<string, Standing>();
  /** The organisation's id of a person, where it is another one. */
  readonly ids = new Map<string, string>();
  readonly groups = new Map<string, readonly string[]>();
  /** While set, nothing can be looked up. */
  outage: string | undefined;
  lookups = 0;

  readPerson(user: string): Promise<Lookup<Person>> {
    const standing = this.standings.get(user) ?? 'member';
    return Promise.resolve(this.#answer({ id: this.ids.get(user) ?? user, standing }));
  }

  readGroup(group: string): Promise<Lookup<readonly string[]>> {
    return Promise.resolve(this.#answer(this.groups.get(group)));
  }

  #answer<T>(value: T | undefined): Lookup<T> {
    this.lookups += 1;
    if (this.outage !== undefined) return { ok: false, why: this.outage, fix: 'Try again.' };
    if (value !== undefined) return { ok: true, value };
    return { ok: false, why: 'there is no such group.', fix: 'Name another.' };
  }
}

/** How a message names a person without notifying them: every workspace of the tests calls `U0MAYA0000` maya. */
export function named(id: string): string {
  return `@${id.replace(/^U0/, '').replace(/0+$/, '').toLowerCase()}`;
}
