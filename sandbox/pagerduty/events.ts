import { z } from 'zod';

/** What events.pagerduty.com takes, by its documentation. Everything else is a 400. */

const routingKey = z.string().length(32);
const timestamp = z.iso.datetime({ offset: true }).optional();
const link = z.object({ href: z.url(), text: z.string().optional() });

const payload = z.object({
  summary: z.string().min(1).max(1024),
  source: z.string().min(1),
  severity: z.enum(['critical', 'error', 'warning', 'info']),
  timestamp,
  component: z.string().optional(),
  group: z.string().optional(),
  class: z.string().optional(),
  custom_details: z.record(z.string(), z.unknown()).optional(),
});

const common = { routing_key: routingKey, client: z.string().optional() };

export const Event = z.discriminatedUnion('event_action', [
  z.object({
    ...common,
    event_action: z.literal('trigger'),
    dedup_key: z.string().max(255).optional(),
    payload,
    links: z.array(link).optional(),
  }),
  z.object({
    ...common,
    event_action: z.enum(['acknowledge', 'resolve']),
    dedup_key: z.string().min(1).max(255),
  }),
]);
export type Event = z.infer<typeof Event>;

export const ChangeEvent = z.object({
  routing_key: routingKey,
  payload: z.object({
    summary: z.string().min(1).max(1024),
    source: z.string().optional(),
    timestamp,
    custom_details: z.record(z.string(), z.unknown()).optional(),
  }),
  links: z.array(link).optional(),
});
export type ChangeEvent = z.infer<typeof ChangeEvent>;
