import { pino } from 'pino';
import type { Wire } from '../../src/pagers/deliver.ts';
import type { openPager } from '../../src/pagers/pagers.ts';
import type { Page } from '../../src/runbook/escalation/ports.ts';
import { HandClock } from '../runbook/approvals/world.ts';

type PagerWire = Parameters<typeof openPager>[1];

/** A wire whose time only moves by sleeping, and whose log can be read. */
export interface HandWire extends PagerWire {
  readonly clock: HandClock;
  readonly lines: string[];
  readonly fetch: Wire['fetch'];
}

export function createWire(): HandWire {
  const lines: string[] = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) });
  return { fetch, clock: new HandClock(), log, lines };
}

export function aPage(changes: Partial<Page> = {}): Page {
  return {
    action: 'trigger',
    key: 'dbconn/shop/inc-0abc1234',
    target: 'shop',
    severity: 'critical',
    summary: 'shop: 94 of 97 usable connections.',
    at: '2026-11-23T03:15:00.000Z',
    details: { 'persists-after-remedy': 'Option A ended 12 sessions.' },
    links: [{ title: 'Dashboard', url: 'http://localhost:3000/d/postgres' }],
    ...changes,
  };
}
