import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { launchBrowser, skipsWithoutChromium } from './support/browser.ts';
import { openPageIn, PATIENT, recordActions, startWorkspace } from './support/open-page.ts';
import type { View } from './support/open-page.ts';
import { plain, section } from './support/sample-blocks.ts';
import { DATABASE, LOBBY, MAYA, post } from './support/workspace.ts';
import type { TestWorkspace } from './support/workspace.ts';

let browser: Browser;

const openPage = (workspace: TestWorkspace, view?: View): Promise<Page> =>
  openPageIn(browser, workspace, view);

describe.skipIf(skipsWithoutChromium())('incidents on the page', () => {
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser.close();
  });

  test('boxes in a message tell the app all that are ticked, also those ticked in haste', async () => {
    const workspace = await startWorkspace();
    const seen = recordActions(workspace);
    const options = ['Who was it', 'Metrics', 'Thresholds'].map((words, at) => ({
      text: plain(words),
      value: `v${at}`,
      description: plain('Ticked by nobody yet'),
    }));
    const element = {
      type: 'checkboxes',
      action_id: 'done',
      options,
      initial_options: options.slice(0, 1),
    };
    await post(workspace.app.client, {
      channel: DATABASE,
      text: 'checklist',
      blocks: [{ type: 'actions', elements: [element] }],
    });
    const page = await openPage(workspace);
    await page.getByLabel('Metrics').focus();
    await page.keyboard.press('Space');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Space');
    await vi.waitFor(() => expect(seen.at(-1)).toBe('done=v0+v1+v2'), PATIENT);
    await page.getByLabel('Who was it').uncheck();
    await vi.waitFor(() => expect(seen.at(-1)).toBe('done=v1+v2'), PATIENT);
  });

  test('a reply for everybody stands in the channel too, and leads to its thread', async () => {
    const workspace = await startWorkspace();
    const { client } = workspace.app;
    const root = await post(client, { channel: DATABASE, text: 'the incident' });
    await post(client, { channel: DATABASE, thread_ts: root, text: 'quiet note' });
    await post(client, {
      channel: DATABASE,
      thread_ts: root,
      text: 'somebody has to come',
      reply_broadcast: true,
    });
    const page = await openPage(workspace);
    const conversation = page.locator('#conversation');
    await conversation.getByText('somebody has to come').waitFor();
    expect(await conversation.getByText('quiet note').count()).toBe(0);
    await conversation.getByRole('button', { name: 'the incident' }).click();
    await page.locator('#thread').getByText('quiet note').waitFor();
    await page.locator('#thread').getByText('Also sent to the channel').waitFor();
  });

  test('a deleted message leaves its thread behind', async () => {
    const workspace = await startWorkspace();
    const { client } = workspace.app;
    const root = await post(client, { channel: DATABASE, text: 'the incident' });
    await post(client, { channel: DATABASE, thread_ts: root, text: 'a note' });
    const page = await openPage(workspace);
    await workspace.slack.deleteMessage({ user: MAYA, channel: DATABASE, ts: root });
    await page.getByText('This message was deleted.').waitFor();
    await page.getByRole('button', { name: '1 reply' }).click();
    const note = page.locator('#thread').getByText('a note');
    await note.waitFor();
    expect(await page.locator('.tombstone').count()).toBe(2);
  });

  test('the address of a message leads to it, by a button, a link or the address bar', async () => {
    const workspace = await startWorkspace();
    const { client } = workspace.app;
    const root = await post(client, { channel: DATABASE, text: 'the incident' });
    const note = await post(client, { channel: DATABASE, thread_ts: root, text: 'a note' });
    const { permalink } = await client.chat.getPermalink({ channel: DATABASE, message_ts: note });
    const url = permalink ?? '';
    await post(client, {
      channel: LOBBY,
      text: 'leads',
      blocks: [
        section(`<${url}|the note>`),
        {
          type: 'actions',
          elements: [{ type: 'button', action_id: 'x', text: plain('Open the note'), url }],
        },
      ],
    });
    workspace.app.action('x', async ({ ack }) => ack());
    const ways = [
      (page: Page) => page.getByRole('button', { name: 'Open the note' }).click(),
      (page: Page) => page.getByRole('link', { name: 'the note' }).click(),
      (page: Page) => page.goto(url).then(() => undefined),
    ];
    for (const follow of ways) {
      const page = await openPage(workspace, { inside: LOBBY });
      await follow(page);
      await page.locator('#thread .message.found', { hasText: 'a note' }).waitFor();
      expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('# database');
      expect(page.url()).toContain(`in=${DATABASE}`);
    }
  });
});
