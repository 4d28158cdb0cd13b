import { element, svg } from '../dom.ts';
import { chooseLabels, chooseScale, type ChartScale } from './chart-scale.ts';
import type { DataVisualizationBlock, LineChart } from './block.ts';

/** In pixels; the style sheet gives the picture this height before it is drawn. */
const HEIGHT = 210;
const MARGIN = { left: 44, right: 16, top: 14, bottom: 34 } as const;
const LABEL_WIDTH = 72;

/** Where the values of one chart lie on a picture of a given width. */
interface Frame {
  readonly chart: LineChart;
  readonly width: number;
  readonly scale: ChartScale;
}

/** Draws a line chart, with its figures as a sentence for those who do not see it. */
export function renderLineChart(block: DataVisualizationBlock): HTMLElement {
  const { chart } = block;
  const values = chart.series.flatMap(({ data }) => data.map((point) => point.value));
  const scale = chooseScale(values);
  const picture = svg('svg', { role: 'img', 'aria-label': inWords(block) });
  // Drawn for the width there is: a scaled picture would have unreadable labels on a phone.
  new ResizeObserver(([entry]) => {
    const width = Math.round(entry?.contentRect.width ?? 0);
    if (width > 0) picture.replaceChildren(...renderPicture({ chart, width, scale }));
  }).observe(picture);
  return element(
    'figure',
    {},
    element('figcaption', {}, block.title),
    renderLegend(chart),
    picture,
    renderAxisNames(chart),
  );
}

function renderPicture(frame: Frame): readonly SVGElement[] {
  return [
    ...renderValueAxis(frame),
    ...renderCategoryAxis(frame),
    ...frame.chart.series.map((_, index) => renderSeries(frame, index)),
  ];
}

function x({ chart, width }: Frame, index: number): number {
  const count = chart.axis_config.categories.length;
  const share = count <= 1 ? 0.5 : index / (count - 1);
  return MARGIN.left + share * (width - MARGIN.left - MARGIN.right);
}

function y({ scale }: Frame, value: number): number {
  const bottom = HEIGHT - MARGIN.bottom;
  return bottom - scale.share(value) * (bottom - MARGIN.top);
}

function renderValueAxis(frame: Frame): SVGElement[] {
  return frame.scale.ticks.flatMap((tick) => {
    const height = y(frame, tick).toFixed(1);
    const right = String(frame.width - MARGIN.right);
    return [
      svg('line', { class: 'grid', x1: `${MARGIN.left}`, x2: right, y1: height, y2: height }),
      svg(
        'text',
        { class: 'tick tick-value', x: `${MARGIN.left - 8}`, y: height },
        tick.toLocaleString('en-US'),
      ),
    ];
  });
}

function renderCategoryAxis(frame: Frame): SVGElement[] {
  const { categories } = frame.chart.axis_config;
  const last = categories.length - 1;
  const room = Math.floor((frame.width - MARGIN.left) / LABEL_WIDTH);
  return chooseLabels(categories.length, room).map((index) => {
    // The last label ends at the edge; centred below its point it would be cut off.
    const isAtEdge = index === last && index > 0;
    const left = isAtEdge ? frame.width : x(frame, index);
    return svg(
      'text',
      {
        class: isAtEdge ? 'tick tick-last' : 'tick',
        x: left.toFixed(1),
        y: String(HEIGHT - MARGIN.bottom + 22),
      },
      categories[index],
    );
  });
}

function renderSeries(frame: Frame, index: number): SVGElement {
  const { chart } = frame;
  const series = chart.series[index];
  const byLabel = new Map(series?.data.map((point) => [point.label, point.value]));
  const points = chart.axis_config.categories.flatMap((category, position) => {
    const value = byLabel.get(category);
    if (value === undefined) return [];
    return [{ category, value, left: x(frame, position), top: y(frame, value) }];
  });
  const dots = points.map(({ category, value, left, top }, position) =>
    svg(
      'circle',
      {
        class: 'dot',
        cx: left.toFixed(1),
        cy: top.toFixed(1),
        r: position === points.length - 1 ? '4.5' : '3',
      },
      svg('title', {}, `${series?.name ?? ''}, ${category}: ${value.toLocaleString('en-US')}`),
    ),
  );
  const line = points.map(({ left, top }) => `${left.toFixed(1)},${top.toFixed(1)}`).join(' ');
  return svg('g', { class: `series-${index}` }, svg('polyline', { points: line }), ...dots);
}

function renderLegend(chart: LineChart): HTMLElement | undefined {
  if (chart.series.length < 2) return undefined;
  const entries = chart.series.map(({ name }, index) =>
    element('li', {}, element('span', { class: `swatch series-${index}` }), name),
  );
  return element('ul', { class: 'legend' }, ...entries);
}

function renderAxisNames(chart: LineChart): HTMLElement | undefined {
  const { x_label: across, y_label: up } = chart.axis_config;
  const names = [up === undefined ? undefined : `↑ ${up}`, across && `→ ${across}`];
  const shown = names.filter((name) => name !== undefined && name !== '');
  return shown.length === 0
    ? undefined
    : element('div', { class: 'axis-names' }, ...shown.map((name) => element('span', {}, name)));
}

function inWords({ title, chart }: DataVisualizationBlock): string {
  const series = chart.series.map(
    ({ name, data }) =>
      `${name}: ${data.map(({ label, value }) => `${value} (${label})`).join(', ')}`,
  );
  return `Line chart. ${title}. ${series.join('. ')}.`;
}
