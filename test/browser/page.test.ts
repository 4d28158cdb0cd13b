import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { launchBrowser, skipsWithoutChromium } from './support/browser.ts';
import { openPageIn, PATIENT, recordActions, startWorkspace } from './support/open-page.ts';
import type { View } from './support/open-page.ts';
import {
  DATABASE,
  GUEST,
  JONAS,
  LOBBY,
  MAYA,
  post,
  startTestWorkspace,
} from './support/workspace.ts';
import type { TestWorkspace } from './support/workspace.ts';
import {
  endSessions,
  everyInput,
  everyMessageBlock,
  HOSTILE,
  mrkdwn,
  plain,
  section,
} from './support/sample-blocks.ts';

let browser: Browser;

const openPage = (workspace: TestWorkspace, view?: View): Promise<Page> =>
  openPageIn(browser, workspace, view);

async function send(page: Page, text: string): Promise<void> {
  await page.getByLabel('Slash command').fill(text);
  await page.keyboard.press('Enter');
}

describe.skipIf(skipsWithoutChromium())('the page of the local Slack', () => {
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser.close();
  });

  test('draws every block that dbconn sends', async () => {
    const workspace = await startWorkspace();
    await post(workspace.app.client, {
      channel: DATABASE,
      text: 'the text is for notifications',
      blocks: everyMessageBlock(),
    });
    const page = await openPage(workspace);
    const message = page.locator('.message');
    await message.getByRole('heading', { name: 'orders: 94 of 97 usable connections' }).waitFor();
    expect(await message.locator('.unknown').count()).toBe(0);
    expect(await message.textContent()).not.toContain('the text is for notifications');
    expect(await message.getByRole('columnheader').allTextContents()).toEqual([
      'Application',
      'Client',
      'Total',
      'Idle in tx',
    ]);
    expect(await message.getByRole('row', { name: 'checkout-api' }).textContent()).toContain('58');
    const chart = message.getByRole('img', { name: /^Line chart\. Connections of the last looks/ });
    expect(await chart.getAttribute('aria-label')).toContain('94 (02:48)');
    await chart.locator('.series-0 circle').nth(7).waitFor({ state: 'attached' });
    expect(await message.locator('strong').first().textContent()).toBe('Full in about 4 minutes.');
    expect(await message.locator('.mention').allTextContents()).toEqual([
      '@Jonas Keller',
      '@oncall',
    ]);
    expect(await message.locator('.block-rich-text li').allTextContents()).toEqual([
      'First look, then act',
      'Ask a second person',
    ]);
  });

  test('shows what is folded away once its title is pressed, also after the message was edited', async () => {
    const workspace = await startWorkspace();
    const { client } = workspace.app;
    const message = { channel: DATABASE, text: 'folded', blocks: [...everyMessageBlock()] };
    const ts = await post(client, message);
    const page = await openPage(workspace);
    const inside = page.getByText('Four services, one network');
    const title = page.getByText('Evidence: who connects');
    await title.waitFor();
    expect(await inside.isVisible()).toBe(false);
    await title.click();
    await inside.waitFor({ state: 'visible' });
    const blocks = [{ type: 'header', text: plain('Edited') }, ...message.blocks];
    await client.apiCall('chat.update', { ...message, ts, blocks });
    await page.getByRole('heading', { name: 'Edited' }).waitFor();
    expect(await inside.isVisible()).toBe(true);
  });

  test('leaves <!channel>, <b> and every other mark in raw text as it is', async () => {
    const workspace = await startWorkspace();
    await post(workspace.app.client, {
      channel: DATABASE,
      text: 'hostile',
      blocks: [
        ...everyMessageBlock(),
        { type: 'section', text: { ...plain(HOSTILE), emoji: false } },
      ],
    });
    const page = await openPage(workspace);
    await page.getByRole('cell', { name: HOSTILE }).waitFor();
    expect(await page.locator('.block-section .plain').textContent()).toBe(HOSTILE);
    expect(await page.locator('.block-rich-text pre').textContent()).toContain(HOSTILE);
    expect(await page.locator('a[href*="evil.example"]').count()).toBe(0);
    expect(await page.locator('.message b, .message i').count()).toBe(0);
    expect(await page.getByText('@channel').count()).toBe(0);
  });

  test('reads mrkdwn as Slack does, and its escapes as text', async () => {
    const workspace = await startWorkspace();
    const text = `<!channel> <@${JONAS}> &lt;b&gt; *fat* <https://example.com/a|guide> &amp;lt;`;
    await post(workspace.app.client, { channel: DATABASE, text });
    const page = await openPage(workspace);
    const body = page.locator('.message .mrkdwn');
    expect(await body.textContent()).toBe('@channel @Jonas Keller <b> fat guide &lt;');
    expect(await body.locator('strong').textContent()).toBe('fat');
    expect(await body.getByRole('link').getAttribute('href')).toBe('https://example.com/a');
  });

  test('a danger button does nothing before its dialog was confirmed', async () => {
    const workspace = await startWorkspace();
    const seen = recordActions(workspace);
    const probe = { type: 'button', action_id: 'probe', text: plain('Probe'), value: 'here' };
    await post(workspace.app.client, {
      channel: DATABASE,
      text: 'card',
      blocks: [{ type: 'actions', elements: [endSessions, probe] }],
    });
    const page = await openPage(workspace);
    const danger = page.getByRole('button', { name: 'End 31 sessions' });
    await danger.click();
    const dialog = page.getByRole('dialog', { name: 'End 31 sessions?' });
    expect(await dialog.locator('strong').textContent()).toBe('idle in transaction');
    await page.keyboard.press('Enter');
    await dialog.waitFor({ state: 'detached' });
    await danger.click();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    // Its arrival proves that the two presses before it sent nothing.
    await page.getByRole('button', { name: 'Probe' }).click();
    await vi.waitFor(() => expect(seen).toEqual(['probe=here']), PATIENT);
    await danger.click();
    await dialog.getByRole('button', { name: 'End them' }).click();
    await vi.waitFor(() => expect(seen).toEqual(['probe=here', 'end-sessions=plan-1']), PATIENT);
  });

  test('an answer for one person is shown to nobody else', async () => {
    const workspace = await startWorkspace();
    workspace.app.command('/dbconn', async ({ ack, command }) => {
      await ack({ response_type: 'ephemeral', text: `Unknown word ${command.text}` });
    });
    const page = await openPage(workspace);
    await send(page, '/dbconn statsu');
    const answer = page.locator('.ephemeral', { hasText: 'Unknown word statsu' });
    await answer.waitFor();
    expect(await answer.textContent()).toContain('Only visible to you');
    await page.getByRole('button', { name: 'Jonas Keller' }).click();
    await page.getByRole('button', { name: 'Jonas Keller you' }).waitFor();
    expect(await page.locator('.message').count()).toBe(0);
    await page.getByRole('button', { name: 'Maya Brandt' }).click();
    await answer.waitFor();
  });

  test('says that plain text is not posted, and that an unknown command is none', async () => {
    const workspace = await startWorkspace();
    const page = await openPage(workspace);
    await send(page, 'is anyone there?');
    const note = page.locator('.composer-note');
    expect(await note.textContent()).toContain('Nothing was posted');
    expect(workspace.slack.state.channels.flatMap(({ messages }) => messages)).toEqual([]);
    await send(page, '/nothing');
    await page.getByText('/nothing is not a valid command.').waitFor();
  });

  test('a person sees only the channels they are in', async () => {
    const workspace = await startWorkspace();
    const page = await openPage(workspace, { user: GUEST });
    expect(await page.locator('#sidebar nav .entry-words').allTextContents()).toEqual([
      'lobby',
      'dbconn',
    ]);
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('# lobby');
  });

  test('selects and menus tell the app what was chosen', async () => {
    const workspace = await startWorkspace();
    const seen = recordActions(workspace);
    await post(workspace.app.client, {
      channel: DATABASE,
      text: 'card',
      blocks: everyMessageBlock(),
    });
    const page = await openPage(workspace);
    await page.getByLabel('Target').selectOption('billing');
    await vi.waitFor(() => expect(seen.at(-1)).toBe('target=billing'), PATIENT);
    await page.getByRole('button', { name: 'More actions' }).click();
    await page.getByRole('menuitem', { name: 'Mute for an hour' }).waitFor();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await vi.waitFor(() => expect(seen.at(-1)).toBe('more=escalate'), PATIENT);
  });

  test('a button nobody answers says so', async () => {
    const workspace = await startWorkspace();
    await post(workspace.app.client, {
      channel: DATABASE,
      text: 'card',
      blocks: [section('Old card', { accessory: { type: 'button', text: plain('Old') } })],
    });
    const page = await openPage(workspace);
    await page.getByRole('button', { name: 'Old' }).click();
    const toast = page.locator('.toast');
    await toast.waitFor();
    expect(await toast.textContent()).toBe('dbconn did not answer within 3 seconds.');
  });

  test('a changed message is drawn anew while its neighbours stay untouched', async () => {
    const workspace = await startWorkspace();
    const { client } = workspace.app;
    const first = await post(client, { channel: DATABASE, text: 'first' });
    const second = await post(client, { channel: DATABASE, text: 'second' });
    const page = await openPage(workspace);
    const drawn = await page.locator(`[data-ts="${first}"]`).elementHandle();
    await client.chat.update({
      channel: DATABASE,
      ts: second,
      text: 'now',
      blocks: [{ type: 'section', text: { type: 'mrkdwn', text: '*third*' } }],
    });
    await page.getByText('third').waitFor();
    expect(await page.locator('.message p').allTextContents()).toEqual(['first', 'third']);
    // A node that was drawn anew would leave this handle detached, thus invisible.
    expect(await drawn?.isVisible()).toBe(true);
  });

  test('replies stand in the thread pane and are counted below their message', async () => {
    const workspace = await startWorkspace();
    const { client } = workspace.app;
    const root = await post(client, { channel: DATABASE, text: 'root' });
    await post(client, { channel: DATABASE, thread_ts: root, text: 'first reply' });
    const page = await openPage(workspace);
    await page.getByRole('button', { name: '1 reply' }).click();
    await page.locator('#thread').getByText('first reply').waitFor();
    expect(await page.locator('#conversation').getByText('first reply').count()).toBe(0);
    await post(client, { channel: DATABASE, thread_ts: root, text: 'second reply' });
    await page.locator('#thread').getByText('second reply').waitFor();
    await page.getByRole('button', { name: '2 replies' }).waitFor();
    await page.getByRole('button', { name: 'Close thread' }).click();
    expect(await page.locator('#thread').isVisible()).toBe(false);
  });

  test('a direct message is announced to its reader only', async () => {
    const workspace = await startWorkspace();
    const page = await openPage(workspace);
    await post(workspace.app.client, { channel: JONAS, text: 'Please look at orders' });
    await post(workspace.app.client, { channel: LOBBY, text: 'hello lobby' });
    await page.getByRole('button', { name: 'lobby 1 unread' }).waitFor();
    expect(await page.getByRole('button', { name: /dbconn.*unread/ }).count()).toBe(0);
    await page.getByRole('button', { name: 'Jonas Keller' }).click();
    await page.getByRole('button', { name: 'dbconn 1 unread' }).click();
    await page.getByText('Please look at orders').waitFor();
    await page.getByRole('button', { name: 'dbconn', exact: true }).waitFor();
  });

  test('the Home tab asks the app and shows what it publishes', async () => {
    const workspace = await startWorkspace();
    const seen = recordActions(workspace);
    workspace.app.event('app_home_opened', async ({ event, client }) => {
      const button = { type: 'button' as const, action_id: 'open', value: event.user };
      await client.views.publish({
        user_id: event.user,
        view: {
          type: 'home',
          blocks: [
            {
              type: 'actions',
              elements: [{ ...button, text: { type: 'plain_text', text: 'Look at orders' } }],
            },
          ],
        },
      });
    });
    const page = await openPage(workspace);
    await page.getByRole('button', { name: 'dbconn', exact: true }).click();
    await page.getByRole('button', { name: 'Look at orders' }).click();
    await vi.waitFor(() => expect(seen).toEqual([`open=${MAYA}`]), PATIENT);
    // Whoever takes over the page sees a Home of their own.
    await page.getByRole('button', { name: 'Jonas Keller' }).click();
    await page.getByRole('button', { name: 'Jonas Keller you' }).waitFor();
    await page.getByRole('button', { name: 'Look at orders' }).click();
    await vi.waitFor(() => expect(seen.at(-1)).toBe(`open=${JONAS}`), PATIENT);
  });

  test('an uploaded file shows how it begins and is a link to its bytes', async () => {
    const workspace = await startWorkspace();
    await workspace.app.client.filesUploadV2({
      channel_id: DATABASE,
      filename: 'report.md',
      title: 'Report of INC-7',
      content: `# It is over\n\n<b>all of it</b>\n${'more\n'.repeat(50)}`,
      initial_comment: 'The report',
    });
    const page = await openPage(workspace);
    const preview = page.getByLabel('Beginning of report.md');
    await preview.getByText('# It is over').waitFor();
    expect((await preview.textContent())?.split('\n')).toHaveLength(12);
    expect(await page.locator('.file small').textContent()).toBe('report.md · 281 bytes');
    const link = page.getByRole('link', { name: 'Report of INC-7' });
    const address = await link.getAttribute('href');
    const response = await page.request.get(new URL(address ?? '', page.url()).href);
    expect(await response.text()).toContain('<b>all of it</b>');
  });

  test('nothing lies outside a phone’s width, and the side bar is a drawer there', async () => {
    const workspace = await startWorkspace();
    await post(workspace.app.client, {
      channel: DATABASE,
      text: 'card',
      blocks: everyMessageBlock(),
    });
    const page = await openPage(workspace, { width: 390 });
    await page.getByRole('button', { name: 'Look again' }).first().waitFor();
    const parts = await page.locator('#conversation, #conversation .block').all();
    const boxes = await Promise.all(parts.map((part) => part.boundingBox()));
    const widest = Math.max(...boxes.map((box) => (box === null ? 0 : box.x + box.width)));
    expect(widest).toBeLessThanOrEqual(390);
    const people = page.getByRole('button', { name: 'Jonas Keller' });
    expect(await people.isVisible()).toBe(false);
    await page.getByRole('button', { name: 'Channels and people' }).click();
    await people.click();
    await people.waitFor({ state: 'hidden' });
  });

  test('loads nothing from elsewhere and says when the local Slack is gone', async () => {
    const workspace = await startTestWorkspace();
    const page = await browser.newPage();
    onTestFinished(async () => page.close());
    const elsewhere: string[] = [];
    page.on('request', (request) => {
      if (!request.url().startsWith(workspace.slack.url)) elsewhere.push(request.url());
    });
    await post(workspace.app.client, {
      channel: DATABASE,
      text: 'card',
      blocks: [
        ...everyMessageBlock(),
        { type: 'context', elements: [mrkdwn('<!here>')] },
        { type: 'image', alt_text: 'A plot', image_url: 'https://example.com/plot.png' },
      ],
    });
    const response = await page.goto(workspace.slack.url);
    expect(response?.headers()['content-security-policy']).toMatch(/^default-src 'self';/);
    await page.getByText('This page cannot draw "image".').waitFor();
    expect(elsewhere).toEqual([]);
    await workspace.close();
    await page.getByText('The local Slack does not answer.').waitFor();
  });

  describe('a modal', () => {
    async function openModal(): Promise<{ workspace: TestWorkspace; page: Page }> {
      const workspace = await startWorkspace();
      workspace.app.command('/dbconn', async ({ ack, client, command }) => {
        await ack();
        await client.apiCall('views.open', { trigger_id: command.trigger_id, view: everyInput() });
      });
      const page = await openPage(workspace);
      await send(page, '/dbconn end');
      await page.getByRole('dialog', { name: 'End idle sessions' }).waitFor();
      return { workspace, page };
    }

    test('sends nothing while a required field is empty', async () => {
      const { workspace, page } = await openModal();
      const sent: string[] = [];
      workspace.app.view('plan', async ({ ack }) => {
        sent.push('sent');
        await ack();
      });
      await page.getByRole('button', { name: 'Propose' }).click();
      expect(await page.locator('.field-error:visible').allTextContents()).toEqual([
        'Please complete this required field.',
      ]);
      await page.getByLabel('Reason').fill('A leak');
      await page.getByRole('button', { name: 'Propose' }).click();
      await page.getByRole('dialog').waitFor({ state: 'hidden' });
      expect(sent).toEqual(['sent']);
    });

    test('shows the app’s error at its field, keeps what was typed and sends it all', async () => {
      const { workspace, page } = await openModal();
      const received: unknown[] = [];
      workspace.app.view('plan', async ({ ack, view }) => {
        received.push(view.state.values);
        if (received.length > 1) await ack();
        else await ack({ response_action: 'errors', errors: { reason: 'Name the incident.' } });
      });
      await page.getByLabel('Reason').fill('A leak');
      await page.getByLabel('Idle (optional)').selectOption('10 minutes');
      await page.getByRole('group', { name: 'Spare' }).getByLabel('5 minutes').check();
      await page.getByRole('group', { name: 'How' }).getByLabel('10 minutes').check();
      await page.getByRole('button', { name: 'Propose' }).click();
      await page.getByText('Name the incident.').waitFor();
      expect(await page.getByLabel('Reason').inputValue()).toBe('A leak');
      await page.getByLabel('Reason').fill('A leak, incident 12');
      await page.getByRole('button', { name: 'Propose' }).click();
      await page.getByRole('dialog').waitFor({ state: 'hidden' });
      expect(received[1]).toMatchObject({
        reason: { reason: { type: 'plain_text_input', value: 'A leak, incident 12' } },
        idle: { idle: { selected_option: { value: 'v1' } } },
        spare: { spare: { selected_options: [{ value: 'v0' }] } },
        how: { how: { selected_option: { value: 'v1' } } },
      });
    });

    test('keeps what was typed when the app changes it under a person’s hands', async () => {
      const { workspace, page } = await openModal();
      await page.getByLabel('Reason').fill('half a sent');
      const open = workspace.slack.state.modals.get(MAYA)?.at(-1);
      await workspace.app.client.apiCall('views.update', {
        view_id: open?.view.id,
        view: { ...everyInput(), title: plain('Now 28 sessions') },
      });
      await page.getByRole('dialog', { name: 'Now 28 sessions' }).waitFor();
      expect(await page.getByLabel('Reason').inputValue()).toBe('half a sent');
    });

    test('tells the app when Escape closed it', async () => {
      const { workspace, page } = await openModal();
      const closed: string[] = [];
      workspace.app.view({ callback_id: 'plan', type: 'view_closed' }, async ({ ack, body }) => {
        closed.push(body.user.id);
        await ack();
      });
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'hidden' });
      await vi.waitFor(() => expect(closed).toEqual([MAYA]), PATIENT);
    });
  });
});
