import { expect, test } from 'vitest';
import { historyChart } from '../../../src/slack/messages/status.ts';

test('the fullest moment is drawn, however short it was, and the moments stay in order', () => {
  const history = Array.from({ length: 120 }, (_, minute) => ({
    at: new Date(Date.parse('2026-11-23T03:00:00.000Z') + minute * 60_000).toISOString(),
    used: minute === 61 ? 97 : 40,
    usable: 97,
  }));
  const [chart] = historyChart({ history, target: 'orders' });
  if (chart?.type !== 'data_visualization') throw new Error('No chart was drawn.');
  const used = chart.chart.series[0]?.data ?? [];
  expect(used).toHaveLength(20);
  expect(used.filter(({ value }) => value === 97)).toHaveLength(1);
  const labels = used.map(({ label }) => label);
  expect(labels.map(Number)).toEqual(labels.map(Number).toSorted((a, b) => b - a));
  expect([labels[0], labels.at(-1), chart.chart.axis_config.x_label]).toEqual([
    '119',
    '0',
    'minutes ago',
  ]);
});

test('two figures within seconds are drawn as one point, the fuller one', () => {
  const history = [
    ['03:00:00.100', 97],
    ['03:00:00.900', 3],
    ['03:01:15.000', 4],
    ['03:02:30.000', 5],
  ].map(([time, used]) => ({ at: `2026-11-23T${time}Z`, used: Number(used), usable: 97 }));
  const [chart] = historyChart({ history, target: 'orders' });
  if (chart?.type !== 'data_visualization') throw new Error('No chart was drawn.');
  const used = chart.chart.series[0]?.data ?? [];
  expect(used.map(({ label, value }) => `${label} ${value}`)).toEqual(['2 97', '1 4', '0 5']);
});

test('what is over is drawn from its first check on', () => {
  const history = [0, 1, 2].map((minute) => ({
    at: new Date(Date.parse('2026-11-23T03:00:00.000Z') + minute * 60_000).toISOString(),
    used: 40,
    usable: 97,
  }));
  const [chart] = historyChart({ history, target: 'orders', isOver: true });
  if (chart?.type !== 'data_visualization') throw new Error('No chart was drawn.');
  expect(chart.chart.axis_config).toMatchObject({
    categories: ['0', '1', '2'],
    x_label: 'minutes since the first check',
  });
});

test('what was over within two minutes is drawn in seconds', () => {
  const history = [0, 2, 9].map((second) => ({
    at: new Date(Date.parse('2026-11-23T03:00:00.000Z') + second * 1000).toISOString(),
    used: 40,
    usable: 97,
  }));
  const [chart] = historyChart({ history, target: 'orders', isOver: true });
  if (chart?.type !== 'data_visualization') throw new Error('No chart was drawn.');
  expect(chart.chart.axis_config).toMatchObject({
    categories: ['0', '2', '9'],
    x_label: 'seconds since the first check',
  });
});
