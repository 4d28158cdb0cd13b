import type { Looked, People, Standing } from '../../src/runbook/ports/people.ts';

/** A workspace in which everybody is a member and there are no user groups. */
export const allMembers: People = {
  readStanding: () => Promise.resolve({ ok: true, value: 'member' }),
  readGroup: () =>
    Promise.resolve({ ok: false, why: 'there is no such group.', fix: 'Name another.' }),
};

/** What Slack would say, as a test has set it; everybody is a member unless said otherwise. */
export class HandPeople implements People {
  readonly standings = new Map<string, Standing>();
  readonly groups = new Map<string, readonly string[]>();
  /** While set, nothing can be looked up. */
  outage: string | undefined;
  lookups = 0;

  readStanding(user: string): Promise<Looked<Standing>> {
    return Promise.resolve(this.#answer(this.standings.get(user) ?? 'member'));
  }

  readGroup(group: string): Promise<Looked<readonly string[]>> {
    return Promise.resolve(this.#answer(this.groups.get(group)));
  }

  #answer<T>(value: T | undefined): Looked<T> {
    this.lookups += 1;
    if (this.outage !== undefined) return { ok: false, why: this.outage, fix: 'Try again.' };
    if (value !== undefined) return { ok: true, value };
    return { ok: false, why: 'there is no such group.', fix: 'Name another.' };
  }
}
