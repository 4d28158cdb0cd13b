import type { ModalView } from '@slack/types';
import { describe, expect, test } from 'vitest';
import type { WorkspaceView } from '../../../sandbox/slack/state-view.ts';
import { transports } from '../../support/breadth.ts';
import { post, startWithApp } from './support/bolt-app.ts';
import { ADA, BOB, DATABASE } from './support/local-slack.ts';
import { patienceMs } from '../../support/until.ts';

const approveCard = [
  { type: 'section', text: { type: 'mrkdwn', text: 'End 3 sessions?' } },
  {
    type: 'actions',
    block_id: 'vote',
    elements: [
      {
        type: 'button',
        action_id: 'approve',
        value: 'plan-1',
        style: 'danger',
        text: { type: 'plain_text', text: 'Approve' },
      },
    ],
  },
];

const reasonModal: ModalView = {
  type: 'modal',
  callback_id: 'reason',
  private_metadata: 'plan-1',
  title: { type: 'plain_text', text: 'Deny the plan' },
  submit: { type: 'plain_text', text: 'Deny' },
  blocks: [
    {
      type: 'input',
      block_id: 'why',
      label: { type: 'plain_text', text: 'Why?' },
      element: { type: 'plain_text_input', action_id: 'text', min_length: 3 },
    },
  ],
};

const textsIn = (state: WorkspaceView, channel: string): readonly string[] =>
  state.channels.find(({ id }) => id === channel)?.messages.map(({ text }) => text) ?? [];

describe.for(transports)('over %s, the real Bolt', (mode) => {
  test('answers a slash command with an ephemeral only the caller sees', async () => {
    const { slack, app } = await startWithApp(mode);
    app.command('/dbconn', async ({ ack, command }) => {
      await ack(`you said ${command.text}`);
    });
    const result = await slack.typeCommand({ user: ADA, channel: DATABASE, text: '/dbconn a < b' });
    expect(result).toEqual({ acked: true });
    expect(slack.state.ephemerals).toMatchObject([
      { user: ADA, channel: DATABASE, message: { text: 'you said a &lt; b' } },
    ]);
    expect(textsIn(slack.state, DATABASE)).toEqual([]);
  });

  test('answers in the channel, where Slack shows the command once before it', async () => {
    const { slack, app } = await startWithApp(mode);
    app.command('/dbconn', async ({ ack, respond }) => {
      await ack();
      await respond({ response_type: 'in_channel', text: 'first' });
      await respond({ response_type: 'in_channel', text: 'second' });
    });
    await slack.typeCommand({ user: ADA, channel: DATABASE, text: '/dbconn status' });
    const texts = await slack.waitFor((state) => {
      const seen = textsIn(state, DATABASE);
      return seen.length === 3 ? seen : undefined;
    }, patienceMs);
    expect(texts).toEqual(['/dbconn status', 'first', 'second']);
  });

  test('hears a pressed button with everything it needs to answer it', async () => {
    const { slack, app } = await startWithApp(mode);
    app.action('approve', async ({ ack, body, action, client, respond }) => {
      await ack();
      if (body.type !== 'block_actions' || !('block_id' in action)) return;
      if (action.type !== 'button') return;
      await client.chat.update({
        channel: body.channel?.id ?? '',
        ts: body.message?.ts ?? '',
        text: `${body.user.username} approved ${action.value ?? ''} in ${action.block_id}`,
      });
      await respond({ text: 'noted' });
    });
    const { ts } = await post(app.client, {
      channel: '#database',
      text: 'A plan',
      blocks: approveCard,
    });
    const pressed = await slack.pressButton({
      user: BOB,
      channel: DATABASE,
      ts,
      actionId: 'approve',
    });
    expect(pressed).toEqual({ acked: true });
    await slack.waitFor((state) => state.ephemerals[0], patienceMs);
    const [card] = slack.state.channels[0]?.messages ?? [];
    expect(card).toMatchObject({ ts, text: 'bob approved plan-1 in vote' });
    // Text without blocks takes the blocks away, and with them the button.
    expect(card).not.toHaveProperty('blocks');
    expect(
      await slack.pressButton({ user: ADA, channel: DATABASE, ts, actionId: 'approve' }),
    ).toEqual({ acked: false, error: 'there is no approve to press here' });
  });

  test('opens a modal and gets what was typed into it', async () => {
    const { slack, app } = await startWithApp(mode);
    app.command('/dbconn', async ({ ack, client, command }) => {
      await client.views.open({ trigger_id: command.trigger_id, view: reasonModal });
      await ack();
    });
    app.view('reason', async ({ ack, view, client }) => {
      const reason = view.state.values['why']?.['text']?.value ?? '';
      if (reason === 'nope') {
        await ack({ response_action: 'errors', errors: { why: 'Say more than that' } });
        return;
      }
      await ack();
      await post(client, {
        channel: DATABASE,
        text: `${view.private_metadata}: ${reason}`,
      });
    });
    await slack.typeCommand({ user: ADA, channel: DATABASE, text: '/dbconn deny' });
    const viewId = slack.state.modals.get(ADA)?.at(-1)?.view.id ?? '';

    const short = { user: ADA, viewId, values: { why: { text: 'no' } } };
    expect(await slack.submitView(short)).toMatchObject({
      acked: false,
      errors: { why: 'needs at least 3 characters' },
    });
    const refused = { user: ADA, viewId, values: { why: { text: 'nope' } } };
    expect(await slack.submitView(refused)).toMatchObject({
      errors: { why: 'Say more than that' },
    });
    expect(slack.state.modals.get(ADA)?.at(-1)?.errors).toEqual({ why: 'Say more than that' });

    const taken = { user: ADA, viewId, values: { why: { text: 'too risky' } } };
    expect(await slack.submitView(taken)).toEqual({ acked: true });
    expect(slack.state.modals.has(ADA)).toBe(false);
    await slack.waitFor(
      (state) => textsIn(state, DATABASE).find((text) => text === 'plan-1: too risky'),
      patienceMs,
    );
  });

  test('is told off by Slack when it does not acknowledge within three seconds', async () => {
    const { slack, app } = await startWithApp(mode);
    const heard = Promise.withResolvers<void>();
    app.command('/dbconn', async () => {
      heard.resolve();
    });
    const result = await slack.typeCommand({
      user: ADA,
      channel: DATABASE,
      text: '/dbconn status',
    });
    await heard.promise;
    expect(result).toEqual({ acked: false, error: 'operation_timeout' });
    expect(slack.state.ephemerals).toMatchObject([
      { user: ADA, message: { text: '/dbconn failed with the error "operation_timeout"' } },
    ]);
  });

  test('hears that somebody opened its Home, and publishes it', async () => {
    const { slack, app } = await startWithApp(mode);
    app.event('app_home_opened', async ({ event, client }) => {
      await client.views.publish({
        user_id: event.user,
        view: {
          type: 'home',
          blocks: [{ type: 'section', text: { type: 'mrkdwn', text: `for ${event.user}` } }],
        },
      });
    });
    expect(await slack.openHome({ user: BOB })).toEqual({ acked: true });
    const home = await slack.waitFor((state) => state.homes.get(BOB), patienceMs);
    expect(home.blocks).toMatchObject([{ text: { text: `for ${BOB}` } }]);
  });

  test('uploads a file that appears in the channel after the call is answered', async () => {
    const { slack, app } = await startWithApp(mode);
    await app.client.filesUploadV2({
      channel_id: DATABASE,
      filename: 'report.csv',
      file: Buffer.from('pid,age\n1,2\n'),
      initial_comment: 'the report',
    });
    const share = await slack.waitFor(
      (state) => state.channels[0]?.messages.find(({ files }) => files !== undefined),
      patienceMs,
    );
    expect(share).toMatchObject({ text: 'the report', files: [{ name: 'report.csv' }] });
    const file = await fetch(`${slack.url}files/${share.files?.[0]?.id ?? ''}`);
    expect(await file.text()).toBe('pid,age\n1,2\n');
  });
});
