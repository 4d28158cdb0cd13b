import type { EscalatorDeps } from '../../../src/runbook/escalation/escalator-deps.ts';

import { PagerRefused } from '../../../src/runbook/escalation/ports.ts';
import type { Page, Pager } from '../../../src/runbook/escalation/ports.ts';
import type { IncidentRulesModel } from './rules.ts';
import type { Announcement } from '../../../src/runbook/approvals/notices.ts';

/** What Slack and the pager do with the next words: `dies` takes them, and the process that spoke is killed. */
export type Mood = 'takes' | 'refuses' | 'dies';

/** Slack and a pager as far as the calls of incidents need them; they know a repetition as the real ones do. */
export class Outside {
  mood: Mood = 'takes';
  readonly messages: Announcement[] = [];
  readonly pages = new Map<string, Page['action']>();
  /** Resolves when something was taken by a process that is to die now. */
  dying = Promise.withResolvers<void>();
  readonly #rules: IncidentRulesModel;

  constructor(rules: IncidentRulesModel) {
    this.#rules = rules;
  }

  readonly announcements: EscalatorDeps['announcements'] = {
    announce: async (announcement) => {
      this.#mayRefuse();
      const { key = '', mayStand } = announcement;
      const stands = this.messages.some((one) => one.key === key);
      if (!(stands && mayStand === true)) {
        this.messages.push(announcement);
        this.#rules.called(key, stands);
      }
      await this.#mayDie();
    },
  };

  readonly board: EscalatorDeps['board'] = {
    ask: () => Promise.resolve(),
    placeOf: () => Promise.resolve(undefined),
  };

  readonly pager: Pager = {
    name: 'the pager',
    page: async ({ action, key }) => {
      this.#mayRefuse();
      this.#rules.paged(action, key);
      this.pages.set(key, action);
      await this.#mayDie();
    },
    tellChange: () => Promise.resolve(),
  };

  #mayRefuse(): void {
    if (this.mood !== 'refuses') return;
    this.#rules.refused();
    throw new PagerRefused('It did not answer.', true);
  }

  async #mayDie(): Promise<void> {
    if (this.mood !== 'dies') return;
    this.dying.resolve();
    await new Promise(() => undefined);
  }
}
