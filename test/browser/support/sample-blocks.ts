import { JONAS, ONCALL } from './workspace.ts';

/** A block or an element as it is sent. */
type Raw = Readonly<Record<string, unknown>>;

export const plain = (text: string): Raw => ({ type: 'plain_text', text });
export const mrkdwn = (text: string): Raw => ({ type: 'mrkdwn', text });
export const section = (text: string, more: Raw = {}): Raw => ({
  type: 'section',
  text: mrkdwn(text),
  ...more,
});

const raw = (text: string): Raw => ({ type: 'raw_text', text });
const number = (value: number): Raw => ({ type: 'raw_number', value });
const leaf = (text: string, style?: Raw): Raw => ({ type: 'text', text, ...(style && { style }) });
const cell = (...elements: Raw[]): Raw => ({
  type: 'rich_text',
  elements: [{ type: 'rich_text_section', elements }],
});

/** Someone else's text: everything in it must stay what it is. */
export const HOSTILE = '<!channel> <b>bold</b> *stars* <https://evil.example|Approve> &lt;i&gt;';

export const endSessions: Raw = {
  type: 'button',
  action_id: 'end-sessions',
  style: 'danger',
  text: plain('End 31 sessions'),
  value: 'plan-1',
  confirm: {
    title: plain('End 31 sessions?'),
    text: mrkdwn(
      'They have been *idle in transaction* for over 10 minutes. This cannot be undone.',
    ),
    confirm: plain('End them'),
    deny: plain('Not now'),
    style: 'danger',
  },
};

const lookAgain: Raw = { type: 'button', action_id: 'look', text: plain('Look again'), value: '1' };

const table: Raw = {
  type: 'table',
  column_settings: [{ is_wrapped: true }, null, { align: 'right' }, { align: 'right' }],
  rows: [
    [raw('Application'), raw('Client'), raw('Total'), raw('Idle in tx')],
    [raw('checkout-api'), raw('10.0.4.17'), number(58), number(31)],
    [cell(leaf('reporting', { bold: true })), raw('10.0.4.22'), number(24), number(0)],
    [raw(HOSTILE), raw('10.0.9.3'), number(12), number(2)],
  ],
};

const MINUTES = ['02:41', '02:42', '02:43', '02:44', '02:45', '02:46', '02:47', '02:48'];
const chart: Raw = {
  type: 'data_visualization',
  title: 'Connections of the last looks',
  chart: {
    type: 'line',
    series: [
      {
        name: 'used',
        data: MINUTES.map((label, at) => ({ label, value: [41, 44, 52, 60, 71, 80, 88, 94][at] })),
      },
      { name: 'usable', data: MINUTES.map((label) => ({ label, value: 97 })) },
    ],
    axis_config: { categories: MINUTES, x_label: 'UTC', y_label: 'connections' },
  },
};

const richText: Raw = {
  type: 'rich_text',
  elements: [
    {
      type: 'rich_text_section',
      elements: [
        leaf('Blocked by '),
        leaf('pid 4711', { code: true }),
        leaf(', seen by '),
        { type: 'user', user_id: JONAS },
        leaf(' and '),
        { type: 'usergroup', usergroup_id: ONCALL },
        leaf(':'),
      ],
    },
    {
      type: 'rich_text_preformatted',
      elements: [leaf(`UPDATE orders SET state = $1 WHERE id = $2 -- ${HOSTILE}\nRETURNING id`)],
    },
    {
      type: 'rich_text_list',
      style: 'ordered',
      elements: ['First look, then act', 'Ask a second person'].map((text) => ({
        type: 'rich_text_section',
        elements: [leaf(text)],
      })),
    },
    { type: 'rich_text_quote', elements: [leaf('remaining connection slots are reserved')] },
  ],
};

const controls: Raw = {
  type: 'actions',
  elements: [
    { ...endSessions },
    lookAgain,
    {
      type: 'static_select',
      action_id: 'target',
      placeholder: plain('Target'),
      options: ['orders', 'billing'].map((name) => ({ text: plain(name), value: name })),
    },
    {
      type: 'overflow',
      action_id: 'more',
      options: [
        { text: plain('Mute for an hour'), value: 'mute' },
        { text: plain('Escalate'), value: 'escalate' },
      ],
    },
  ],
};

/** One message with every block that the page draws. */
export function everyMessageBlock(): readonly Raw[] {
  return [
    { type: 'header', text: plain(':red_circle: orders: 94 of 97 usable connections') },
    section(
      '*Full in about 4 minutes.* Looks like a _connection leak_ in `checkout-api`, since <!date^1700000000^{date_num} {time}^earlier>.',
      { accessory: { ...lookAgain, action_id: 'look-beside' } },
    ),
    table,
    chart,
    richText,
    controls,
    {
      type: 'container',
      block_id: 'evidence',
      title: plain('Evidence: who connects'),
      is_collapsible: true,
      default_collapsed: true,
      child_blocks: [{ type: 'context', elements: [plain('Four services, one network')] }],
    },
    {
      type: 'context',
      elements: [
        mrkdwn('Answered by the warm connection, *0.4 s* ago'),
        plain('pool: 2 of 2 read'),
      ],
    },
  ];
}

/** A modal with every input; each block_id is also its element's action_id. */
export function everyInput(): Raw {
  const input = (id: string, element: Raw, more: Raw = {}): Raw => ({
    type: 'input',
    block_id: id,
    label: plain(`${id.charAt(0).toUpperCase()}${id.slice(1)}`),
    element: { action_id: id, ...element },
    ...more,
  });
  const options = ['5 minutes', '10 minutes'].map((text, at) => ({
    text: plain(text),
    value: `v${at}`,
  }));
  const optional = { optional: true };
  return {
    type: 'modal',
    callback_id: 'plan',
    notify_on_close: true,
    title: plain('End idle sessions'),
    submit: plain('Propose'),
    close: plain('Cancel'),
    blocks: [
      input(
        'reason',
        { type: 'plain_text_input', multiline: true, placeholder: plain('Why now?') },
        { hint: plain('It goes into the record.') },
      ),
      input('idle', { type: 'static_select', options }, optional),
      input('spare', { type: 'checkboxes', options }, optional),
      input('how', { type: 'radio_buttons', options, initial_option: options[0] }),
    ],
  };
}
