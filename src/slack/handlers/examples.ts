import type { View as SlackView } from '@slack/types';
import { z } from 'zod';
import { ApprovalRequest } from '../../runbook/approvals/request.ts';
import { Diagnosis } from '../../runbook/diagnose/diagnosis.ts';
import { Incident } from '../../runbook/incidents/incident.ts';
import type { Target } from '../../runbook/snapshot/target.ts';
import { homeView } from '../home/home-view.ts';
import type { View } from '../messages/frame.ts';
import { doctorMessage, helpMessage } from '../messages/help.ts';
import { writeIncident } from '../messages/incident-card.ts';
import {
  closeView,
  helpView,
  mergeView,
  reopenView,
  silenceView,
} from '../messages/incident-dialogs.ts';
import { historyMessage, incidentsMessage } from '../messages/incidents.ts';
import type { Message } from '../messages/kit/message.ts';
import { wordsView } from '../messages/kit/modal.ts';
import { logsMessage } from '../messages/logs.ts';
import { announcementMessage, notice } from '../messages/notice.ts';
import { planMessage } from '../messages/plan.ts';
import { poolMessage } from '../messages/pool.ts';
import { preventionMessage } from '../messages/prevention.ts';
import { checklistMessage, reportMessage } from '../messages/report.ts';
import { fullListMessages, requestCard, requestsMessage } from '../messages/request-card.ts';
import { approveView, denyView, idleView, usualIdleRequest } from '../messages/request-dialogs.ts';
import {
  blockingMessage,
  idleMessage,
  sessionsMessage,
  sourcesMessage,
} from '../messages/sessions.ts';
import { causesMessage, statusMessage } from '../messages/status.ts';

export interface Examples {
  readonly messages: readonly (readonly [name: string, message: Message])[];
  readonly views: readonly (readonly [name: string, view: SlackView])[];
}

const at = '2026-11-30T03:04:05.678Z';
const channel = 'C0123456789';

/** One of everything that a schema has: of a list one element of each kind, of what may be missing a value. */
function sampleOf(schema: unknown, key = ''): unknown {
  if (schema instanceof z.ZodObject) {
    const fields = Object.entries<unknown>(schema.shape);
    return Object.fromEntries(fields.map(([name, field]) => [name, sampleOf(field, name)]));
  }
  if (schema instanceof z.ZodArray) {
    const { element } = schema;
    const kinds = element instanceof z.ZodUnion ? element.options : [element];
    const all = kinds.map((kind) => sampleOf(kind, key));
    return schema.safeParse(all).success ? all : all.slice(0, 1);
  }
  if (schema instanceof z.ZodUnion) return sampleOf(schema.options[0], key);
  if (schema instanceof z.ZodEnum) return schema.options[0];
  if (schema instanceof z.ZodLiteral) return schema.value;
  if (schema instanceof z.ZodRecord) return {};
  if (schema instanceof z.ZodBoolean) return true;
  if (schema instanceof z.ZodNumber) return firstOf(schema, [3, 1]);
  if (schema instanceof z.ZodString) return firstOf(schema, [textOf(key), 'inc-000001']);
  return isWrapped(schema) ? sampleOf(schema.unwrap(), key) : undefined;
}

function firstOf(schema: z.ZodType, candidates: readonly unknown[]): unknown {
  return candidates.find((candidate) => schema.safeParse(candidate).success);
}

function isWrapped(schema: unknown): schema is { readonly unwrap: () => unknown } {
  return typeof schema === 'object' && schema !== null && 'unwrap' in schema;
}

function textOf(key: string): string {
  if (/(?:^at|At|until|[sS]ince|reopenedAt)$/.test(key)) return at;
  return key === 'id' ? 'U0123456789' : 'orders';
}

function example<T>(schema: z.ZodType<T>, changes: Partial<T>): T {
  return { ...schema.parse(sampleOf(schema)), ...changes };
}

/**
 * One example of every message and view dbconn sends, made by what makes the real ones. Only their kinds of blocks matter,
 * so the values are made up, and nothing of them is anybody's.
 */
export function makeExamples(target: Target): Examples {
  const history = Array.from({ length: 5 }, (_, minute) => ({
    at: new Date(Date.parse(at) + minute * 60_000).toISOString(),
    used: minute,
    usable: 97,
  }));
  const diagnosis = example(Diagnosis, { state: 'critical', history });
  const request = example(ApprovalRequest, {
    state: 'proposed',
    execution: null,
    result: null,
    closing: null,
    handOff: null,
    brokenGlass: null,
  });
  const incident = example(Incident, { state: 'open', calmSince: null });
  return {
    messages: [
      ...readings({ diagnosis, target, offers: ['A', 'B', 'C', 'D', 'E'] }),
      ...aboutRequests(request, target),
      ...aboutIncidents(incident, { diagnosis, request, target }),
    ],
    views: viewsOf(incident, request, target),
  };
}

function readings(view: View): Examples['messages'] {
  return [
    ['status', statusMessage(view)],
    ['sources', sourcesMessage(view)],
    ['sessions', sessionsMessage(view)],
    ['idle', idleMessage(view)],
    ['blocking', blockingMessage(view)],
    ['pool', poolMessage(view)],
    ['logs', logsMessage(view)],
    ['causes', causesMessage(view)],
    ['help', helpMessage([view.target.name], {})],
    ['help for a word', helpMessage([view.target.name], { about: 'propose' })],
    ['notice', notice('dbconn is here.')],
    ['escalation', announcementMessage(anAnnouncement)],
    [
      'doctor',
      doctorMessage(view.target.name, [{ subject: 'Slack', state: 'ok', summary: 'It works.' }]),
    ],
  ];
}

const anAnnouncement = {
  to: channel,
  mention: 'U0123456789',
  headline: 'orders needs help.',
  quote: 'It fills up.',
  key: 'example',
  mayStand: true,
};

function aboutRequests(request: ApprovalRequest, target: Target): Examples['messages'] {
  const over = example(ApprovalRequest, { state: 'done', handOff: null, brokenGlass: null });
  const lookedAt = at;
  const check = { setting: 'work_mem', now: '1', better: '2', because: 'It is less.' };
  const checks = [{ ...check, state: 'advice', part: 'postgresql' } as const];
  const prevention = { target: target.name, lookedAt, checks, poolers: [] };
  return [
    ['proposal', planMessage(request.plan)],
    ['request', requestCard(request)],
    ['request that is over', requestCard(over)],
    ['requests', requestsMessage([request])],
    ...fullListMessages(request).map((message) => ['list of targets', message] as const),
    ['prevention', preventionMessage({ prevention, target, offers: ['prevention'] })],
  ];
}

interface Parts {
  readonly diagnosis: Diagnosis;
  readonly request: ApprovalRequest;
  readonly target: Target;
}

function aboutIncidents(
  incident: Incident,
  { diagnosis, request, target }: Parts,
): Examples['messages'] {
  const view = { incident, diagnosis, requests: [request], ineffective: [] };
  const scene = { target, offers: ['A', 'C', 'E'], isReplacement: false } as const;
  const report = {
    incident,
    title: 'orders ran out of connections.',
    timeline: [],
    graph: diagnosis.history,
    cause: diagnosis.causes[0] ?? null,
    trouble: null,
    changes: [],
    remedies: [request],
    phases: [{ name: 'until it was over', tookMs: 60_000 }],
    prevention: [],
    gaps: [],
  };
  const resolved = { ...view, incident: { ...incident, state: 'resolved' as const } };
  return [
    ['incident', writeIncident(view, scene).message],
    ['incident that is over', writeIncident(resolved, scene).message],
    ['incidents', incidentsMessage([incident])],
    ['history', historyMessage([incident], null)],
    ['checklist', checklistMessage(incident)],
    ['report', reportMessage(report)],
  ];
}

function viewsOf(incident: Incident, request: ApprovalRequest, target: Target): Examples['views'] {
  const summary = { target: target.name, state: 'fine', headline: 'All is well.' } as const;
  const capacity = { used: 3, usable: 97 };
  const linked = <T>(item: T): { readonly item: T; readonly url: string } => ({
    item,
    url: 'https://example.slack.com/archives/C0123456789/p1',
  });
  return [
    ['proposal', idleView(usualIdleRequest(target.limits), { channel, target: target.name })],
    ['approval', approveView(request, channel)],
    ['denial', denyView(request, channel, false)],
    ['silence', silenceView(incident, channel)],
    ['merge', mergeView(incident, channel, [incident])],
    ['close', closeView(incident, channel)],
    ['reopen', reopenView(incident, channel)],
    ['call for help', helpView(incident, channel)],
    ['answer', wordsView('Answer', notice('Done.'))],
    [
      'Home tab',
      homeView({
        readAtMs: Date.parse(at),
        summaries: [{ ...summary, capacity, takenAt: at, sparkline: '▁▂▃' }],
        stop: null,
        votable: [linked(request)],
        othersWaiting: 1,
        incidents: [linked(incident)],
        openIncidents: 1,
        ended: [{ ...linked(incident), requests: [request] }],
        problems: [],
      }),
    ],
  ];
}
