/** A block as it might be sent, right or wrong. */
export type Raw = Readonly<Record<string, unknown>>;

export const plain = (text = 'text'): Raw => ({ type: 'plain_text', text });
export const mrkdwn = (text = 'text'): Raw => ({ type: 'mrkdwn', text });
export const long = (length: number): string => 'x'.repeat(length);
export const many = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));

export const option = (value = 'a', text = 'A'): Raw => ({ text: plain(text), value });
export const options = (count: number): Raw[] => many(count, (index) => option(`v${index}`));
export const confirm: Raw = {
  title: plain('Sure?'),
  text: mrkdwn('It ends sessions'),
  confirm: plain('Yes'),
  deny: plain('No'),
};
export const button = (more: Raw = {}): Raw => ({ type: 'button', text: plain('Press'), ...more });
export const section = (more: Raw = { text: mrkdwn() }): Raw => ({ type: 'section', ...more });
export const actions = (...elements: Raw[]): Raw => ({ type: 'actions', elements });
export const select = (more: Raw): Raw => actions({ type: 'static_select', ...more });
export const input = (element: Raw, more: Raw = {}): Raw => ({
  type: 'input',
  label: plain('Label'),
  element,
  ...more,
});
export const image = (more: Raw): Raw => ({ type: 'image', alt_text: 'a plot', ...more });
export const rich = (...elements: Raw[]): Raw => ({ type: 'rich_text', elements });
export const leaf = (text = 'literal'): Raw => ({ type: 'text', text });
export const preformatted = (...elements: Raw[]): Raw => ({
  type: 'rich_text_preformatted',
  elements,
});
export const line = (...elements: Raw[]): Raw => ({ type: 'rich_text_section', elements });
export const bullets = (more: Raw = {}): Raw => ({
  type: 'rich_text_list',
  style: 'bullet',
  elements: [line(leaf())],
  ...more,
});
export const cell = (text = 'cell'): Raw => ({ type: 'raw_text', text });
export const table = (rows: unknown, more: Raw = {}): Raw => ({ type: 'table', rows, ...more });
export const container = (children: unknown, more: Raw = {}): Raw => ({
  type: 'container',
  title: plain('Why'),
  child_blocks: children,
  ...more,
});
export const chart = (more: Raw = {}, axis: Raw = {}): Raw => ({
  type: 'data_visualization',
  title: 'Connections',
  chart: {
    type: 'line',
    series: [{ name: 'used', data: [{ label: '12:00', value: 90 }] }],
    axis_config: { categories: ['12:00'], ...axis },
    ...more,
  },
});
export const radio = (more: Raw): Raw => ({ type: 'radio_buttons', ...more });
export const text = (more: Raw = {}): Raw => ({ type: 'plain_text_input', ...more });
export const number = (more: Raw = {}): Raw => ({
  type: 'number_input',
  is_decimal_allowed: false,
  ...more,
});
