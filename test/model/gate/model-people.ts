import type { Actor } from '../../../src/runbook/approvals/request.ts';
import type { Standing } from '../../../src/runbook/approvals/people.ts';

/** Who may approve by name; the user group SDBA may as well. */
export const named = ['UBOB', 'UCEM'];
/** Users of the terminal, and who of Slack they are where the configuration says so. */
export const terminalUsers: Readonly<Record<string, string>> = { bobsh: 'UBOB' };
export const glassUsers = { users: ['UCEM'], terminal: ['bobsh'] };

/** What is true of people at this moment. */
export class ModelPeople {
  readonly standings = new Map<string, Standing>();
  readonly group = new Set(['UDAN']);
  /** Slack answers no question about people. */
  outage = false;

  approvers(): ReadonlySet<string> {
    return new Set([...named, ...this.group]);
  }

  isMember(id: string): boolean {
    return (this.standings.get(id) ?? 'member') === 'member';
  }

  /** Whose votes count now. */
  countLive(votes: ReadonlySet<string>): number {
    const approvers = this.approvers();
    const live = [...votes].filter((id) => approvers.has(id) && this.isMember(id));
    return this.outage ? 0 : live.length;
  }

  /** Why this person of Slack is none of those. */
  whyNotAmong(id: string, among: ReadonlySet<string>): string[] {
    const why = [];
    if (!among.has(id)) why.push('not-an-approver');
    if (!this.isMember(id)) why.push('not-a-member');
    if (this.outage) why.push('not-looked-up');
    return why;
  }
}

/** Whoever is named at the terminal is the person of Slack the configuration says. */
export function isSameHuman(a: Actor, b: Actor): boolean {
  const human = ({ id, via }: Actor): string =>
    via === 'slack' ? id : (terminalUsers[id] ?? `terminal:${id}`);
  return human(a) === human(b);
}

/** Who of Slack that is, where anything tells. */
export function slackIdsOf({ id, via }: Actor): string[] {
  const known = via === 'slack' ? id : terminalUsers[id];
  return known === undefined ? [] : [known];
}

/** Who sits at this terminal is told by nothing. */
export function isUnknown({ id, via }: Actor): boolean {
  return via === 'terminal' && terminalUsers[id] === undefined;
}
