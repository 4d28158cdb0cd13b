import type { SlackActionMiddlewareArgs } from '@slack/bolt';
import type { Browser, Page } from 'playwright-core';
import { expect, onTestFinished } from 'vitest';
import { DATABASE, MAYA, startTestWorkspace } from './workspace.ts';
import type { TestWorkspace } from './workspace.ts';

/** Five times what the slowest of these takes on a busy machine of two cores. */
export const PATIENT = { timeout: 15_000 };

export interface View {
  readonly user?: string;
  readonly inside?: string;
  readonly width?: number;
}

export async function startWorkspace(): Promise<TestWorkspace> {
  const workspace = await startTestWorkspace();
  onTestFinished(async () => workspace.close());
  return workspace;
}

/** A person at the page; the test fails if the page itself had anything to complain about. */
export async function openPageIn(
  browser: Browser,
  { slack }: Pick<TestWorkspace, 'slack'>,
  view: View = {},
): Promise<Page> {
  const { user = MAYA, inside = DATABASE, width = 1280 } = view;
  const page = await browser.newPage({ viewport: { width, height: 800 } });
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  onTestFinished(async () => {
    await page.close();
    expect(complaints).toEqual([]);
  });
  await page.goto(`${slack.url}?as=${user}&in=${inside}`);
  await page.locator('#sidebar .entry').first().waitFor({ state: 'attached' });
  return page;
}

/** Everything pressed or chosen, as `action_id=value`. */
export function recordActions({ app }: TestWorkspace): readonly string[] {
  const seen: string[] = [];
  app.action(/.*/, async ({ ack, action }: SlackActionMiddlewareArgs) => {
    await ack();
    const chosen =
      'value' in action
        ? action.value
        : 'selected_option' in action
          ? action.selected_option?.value
          : 'selected_user' in action
            ? action.selected_user
            : 'selected_options' in action
              ? action.selected_options.map(({ value }) => value).join('+')
              : undefined;
    if ('action_id' in action) seen.push(`${action.action_id}=${String(chosen)}`);
  });
  return seen;
}
