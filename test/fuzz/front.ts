import { z } from 'zod';
import { expect } from 'vitest';
import { done } from '../../src/runbook/remedies/remedy.ts';
import { openScripted } from '../drills/support/scripted.ts';
import { send, sign } from '../drills/support/signed.ts';
import { dana, foreigner, guest, jonas, maya } from '../drills/support/conversation.ts';
import type { Bot } from '../drills/support/conversation.ts';
import { buildPlan, byHand } from '../runbook/approvals/builders.ts';
import { until } from '../support/until.ts';
import { canary } from './text-entrances.ts';

/** A call as Slack signs and sends it. Ids that dbconn gives out stand in it as these words. */
export interface Sent {
  /** Who is named in it, unless that was mangled. */
  readonly user: string;
  readonly kind: 'interaction' | 'command' | 'event';
  readonly fields: unknown;
}

export const words = {
  proposed: 'ID-OF-PROPOSED',
  handed: 'ID-OF-HANDED',
  incident: 'ID-OF-INCIDENT',
  proposedTs: 'TS-OF-PROPOSED',
  handedTs: 'TS-OF-HANDED',
  incidentTs: 'TS-OF-INCIDENT',
} as const;

interface Came {
  readonly status: number;
  readonly tookMs: number;
  /** The journal's entries that came of it, and who made them; nobody where dbconn itself did. */
  readonly entries: readonly { readonly kind: string; readonly by: string | undefined }[];
  /** What dbconn logged meanwhile. */
  readonly logged: string;
}

/** The bot at its HTTP port, with something open that every button fits. */
export interface Front {
  readonly bot: Bot;
  /** Opens again what was decided, closed or stopped. */
  makeReady(): Promise<void>;
  call(call: Sent): Promise<Came>;
  expectNoSecret(): Promise<void>;
  close(): Promise<void>;
}

const proposer = { id: maya, via: 'slack' } as const;
const approver = { id: jonas, via: 'slack' } as const;
const ask = { kind: 'idle-in-transaction', idleForMs: 7000 } as const;
const Body = z.looseObject({
  by: z.looseObject({ id: z.unknown() }).nullish().catch(undefined),
  actor: z.looseObject({ id: z.unknown() }).nullish().catch(undefined),
});

export async function openFront(): Promise<Front> {
  const rule = { propose: [maya], approve: [jonas, dana, maya, guest, foreigner] };
  const { stage, bot, remedy } = await openScripted({ mode: 'http', rule, sendIntervalMs: 0 });
  const { policyVersion: _version, plannedAt: _at, ...draft } = buildPlan({ undoAsk: ask });
  remedy.recheck = ({ targets }) => Promise.resolve({ left: targets, skipped: [] });
  const ids = { proposed: '', handed: '', incident: '' };
  const places = { proposed: '', handed: '', incident: '' };
  let seq = 0;

  const propose = async (isByHand: boolean): Promise<string> => {
    remedy.propose = () => Promise.resolve(done(isByHand ? { ...draft, byHand } : draft));
    const proposed = await bot.approvals.propose({ target: 'shop', ask, actor: proposer });
    if (!proposed.ok) throw new Error(proposed.refusal.why);
    return proposed.value.id;
  };
  const stateOf = async (id: string): Promise<string | undefined> => {
    const found = await bot.approvals.get(id);
    return found.ok ? found.value.state : undefined;
  };
  const settle = async (): Promise<void> => {
    await until('dbconn has answered', () =>
      Promise.resolve(bot.slack.state.commandsInFlight === 0),
    );
    const open = await bot.approvals.list();
    for (const { id, state } of open.ok ? open.value : []) {
      if (['approved', 'executing', 'verifying'].includes(state)) await bot.approvals.settled(id);
    }
  };
  const encode = ({ kind, fields }: Sent): string => {
    const known = { ...ids, proposedTs: places.proposed, handedTs: places.handed };
    const all: Record<string, string> = { ...known, incidentTs: places.incident };
    const text = Object.entries(words).reduce(
      (rest, [name, word]) => rest.replaceAll(word, all[name] ?? ''),
      JSON.stringify(fields),
    );
    if (kind === 'event') return text;
    return kind === 'command' ? toForm(JSON.parse(text)) : toForm({ payload: text });
  };

  return {
    bot,
    async makeReady() {
      await bot.approvals.sweep();
      const stopped = await bot.approvals.stopped();
      if (stopped.ok && stopped.value !== null) {
        await bot.approvals.go({ id: dana, via: 'slack' }, 'It was a test.');
      }
      if ((await stateOf(ids.handed)) !== 'handed') {
        ids.handed = await propose(true);
        await bot.approvals.approve(ids.handed, approver);
        await bot.approvals.settled(ids.handed);
        await bot.cards.shown(ids.handed);
        places.handed = (await bot.cards.placeOf(ids.handed))?.ts ?? '';
      }
      if ((await stateOf(ids.proposed)) !== 'proposed') {
        ids.proposed = await propose(false);
        await bot.cards.shown(ids.proposed);
        places.proposed = (await bot.cards.placeOf(ids.proposed))?.ts ?? '';
      }
      const incident = await bot.incidents.get(ids.incident);
      if (!incident.ok || incident.value.state !== 'open') {
        const opened = await bot.incidents.open('shop', proposer, 'it fills');
        if (!opened.ok) throw new Error(opened.refusal.why);
        ids.incident = opened.value.id;
      }
      await bot.board.idle(5000);
      places.incident = (await bot.board.placeOf(ids.incident))?.ts ?? '';
      seq = (await bot.journal.head()).seq;
    },
    async call(call) {
      const body = encode(call);
      const headers = sign(body);
      if (call.kind === 'event') headers.set('content-type', 'application/json');
      const logged = stage.lines.length;
      const began = performance.now();
      const { status } = await send(bot, body, headers);
      const tookMs = performance.now() - began;
      await settle();
      const isAsBefore = (await bot.journal.head()).seq === seq;
      const entries = isAsBefore ? [] : (await bot.journal.entries()).filter(isNews);
      return {
        status,
        tookMs,
        entries: entries.filter((entry) => entry.seq > seq).map(toMade),
        logged: stage.lines.slice(logged).join(''),
      };
    },
    async expectNoSecret() {
      const { channels, ephemerals, modals, homes } = stage.slack.state;
      const shown = JSON.stringify([
        channels,
        ephemerals,
        [...modals.values()],
        [...homes.values()],
      ]);
      expect(shown).not.toContain(canary);
      expect(JSON.stringify(await bot.journal.entries())).not.toContain(canary);
    },
    close: () => stage.close(),
  };
}

/** What the incident loop makes of it is noted by and by. */
function isNews({ kind }: { readonly kind: string }): boolean {
  return !/^incident-(?:told|request|reported|seen|escalated|overdue|paged|asked)$/.test(kind);
}

function toMade({
  kind,
  body,
}: {
  readonly kind: string;
  readonly body: string;
}): Came['entries'][number] {
  const { by, actor } = Body.parse(JSON.parse(body));
  const id = by?.id ?? actor?.id;
  return {
    kind,
    by: id === undefined ? undefined : typeof id === 'string' ? id : JSON.stringify(id),
  };
}

/** As a form has them: what is no text is its JSON. */
function toForm(fields: unknown): string {
  const entries = Object.entries(z.record(z.string(), z.unknown()).parse(fields));
  return new URLSearchParams(
    entries.map(([name, value]) => [
      name,
      typeof value === 'string' ? value : (JSON.stringify(value) ?? ''),
    ]),
  ).toString();
}
