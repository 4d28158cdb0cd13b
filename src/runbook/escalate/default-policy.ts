import type { Contacts } from '../snapshot/target.ts';
import type { EscalationStep } from './policy.ts';

const minuteMs = 60_000;

/** What decides whom an incident calls; `steps` where dbconn.yml has its own. */
interface PolicySource {
  readonly steps: readonly EscalationStep[] | undefined;
  readonly contacts: Contacts;
  readonly canPage: boolean;
}

/** The policy an incident of a target opens with. */
export function policyOf({ steps, contacts, canPage }: PolicySource): EscalationStep[] {
  return steps === undefined ? defaultPolicy(contacts, canPage) : [...steps];
}

/**
 * The runbook's contacts in its order, as far as they are configured. The database admins after 5 minutes in which
 * nobody took it; the backend lead after 10 where the question is one about the applications; the on-call engineer
 * after 15 minutes in which nobody took it, and whether or not somebody has it where a remedy did not help.
 */
function defaultPolicy(contacts: Contacts, canPage: boolean): EscalationStep[] {
  const { databaseAdmins, backendLead, onCall } = contacts;
  const canCall = canPage || onCall !== undefined;
  return [
    ...(databaseAdmins === undefined ? [] : [admins]),
    ...(backendLead === undefined ? [] : [lead]),
    ...(canCall ? [onCallAlone, onCallForGood] : []),
  ];
}

const admins: EscalationStep = {
  who: 'database-admins',
  afterMs: 5 * minuteMs,
  when: [],
  unlessAssigned: true,
};

const lead: EscalationStep = {
  who: 'backend-lead',
  afterMs: 10 * minuteMs,
  when: ['source-not-identified', 'data-integrity', 'several-applications'],
  unlessAssigned: false,
};

const onCallAlone: EscalationStep = {
  who: 'on-call',
  afterMs: 15 * minuteMs,
  when: [],
  unlessAssigned: true,
};

/** Whoever has it has tried, and it goes on. */
const onCallForGood: EscalationStep = {
  who: 'on-call',
  afterMs: 30 * minuteMs,
  when: ['persists-after-remedy'],
  unlessAssigned: false,
};
