/** One sample of a Prometheus or OpenMetrics text exposition. */
export interface Sample {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
  /** Its timestamp, in the format's own unit; for telling the newest of several. */
  readonly at?: number;
}

/** A metric's name and labels without a value: what a sample line begins with, and how a figure is chosen. */
interface Series {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
}

const nameAt = /[a-zA-Z_:][a-zA-Z0-9_:]*/y;
// Prometheus 3 writes names that are no identifiers, such as OpenTelemetry's dotted ones, quoted inside the braces.
const labelAt =
  /\s*(?:([a-zA-Z_][a-zA-Z0-9_]*)|"((?:[^"\\]|\\.)*)")\s*(?:=\s*"((?:[^"\\]|\\.)*)")?\s*(,|(?=\}))/y;
const openingAt = /[ \t]*\{/y;
const closingAt = /\s*\}/y;
// The value, then a timestamp, then an OpenMetrics exemplar, whose braces and numbers are not the sample's.
const valueAt = /[ \t]*([^ \t#]+)(?:[ \t]+(-?[0-9.eE+-]+))?[ \t]*(?:#.*)?$/y;
const decimal = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

/**
 * The samples of a text exposition, in its order. A line that is no sample (comments, HTML, a line cut off
 * in its middle) is left out, never guessed at. Blanks around a line mean nothing, as the format has it. Linear in the
 * text's length.
 */
export function parsePrometheus(text: string): Sample[] {
  const samples: Sample[] = [];
  for (const indented of text.split(/\r?\n/)) {
    const line = indented.trim();
    if (line === '' || line.startsWith('#')) continue;
    const series = readSeries(line);
    if (series === undefined) continue;
    const [, text, time] = matchAt(valueAt, line, series.end) ?? [];
    const [value, at] = [toNumber(text), toNumber(time)];
    if (value === undefined) continue;
    const { name, labels } = series;
    samples.push({ name, labels, value, ...(at !== undefined && { at }) });
  }
  return samples;
}

/** Reads `name` or `name{label="value"}` as a configuration gives it; undefined when it is neither. */
export function parseSeries(text: string): Series | undefined {
  const series = readSeries(text);
  if (series === undefined || text.slice(series.end).trim() !== '') return undefined;
  return { name: series.name, labels: series.labels };
}

function readSeries(line: string): (Series & { readonly end: number }) | undefined {
  const bare = matchAt(nameAt, line, 0)?.[0];
  let end = bare?.length ?? 0;
  const opening = matchAt(openingAt, line, end);
  if (opening === undefined) return bare === undefined ? undefined : series(bare, new Map(), end);
  end += opening[0].length;
  const labels = new Map<string, string>();
  let quotedName: string | undefined;
  for (let label = matchAt(labelAt, line, end); label; label = matchAt(labelAt, line, end)) {
    const [whole, plain, quoted, value] = label;
    const name = plain ?? unescape(quoted ?? '');
    if (value !== undefined) labels.set(name, unescape(value));
    else if (quoted !== undefined && quotedName === undefined) quotedName = name;
    else return undefined;
    end += whole.length;
  }
  const closing = matchAt(closingAt, line, end);
  const name = bare ?? quotedName;
  if (closing === undefined || name === undefined) return undefined;
  return series(name, labels, end + closing[0].length);
}

function series(name: string, labels: Map<string, string>, end: number): Series & { end: number } {
  return { name, labels, end };
}

function matchAt(pattern: RegExp, text: string, index: number): RegExpExecArray | undefined {
  pattern.lastIndex = index;
  return pattern.exec(text) ?? undefined;
}

function unescape(text: string): string {
  return text.replaceAll(/\\(.)/g, (_, letter: string) => (letter === 'n' ? '\n' : letter));
}

function toNumber(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (decimal.test(text)) return Number(text);
  if (/^nan$/i.test(text)) return Number.NaN;
  const infinity = /^([+-]?)inf(?:inity)?$/i.exec(text);
  if (infinity === null) return undefined;
  return infinity[1] === '-' ? -Infinity : Infinity;
}

interface Distinct {
  readonly samples: readonly Sample[];
  /** Names of series that were given twice with different values for one moment. */
  readonly contradicting: ReadonlySet<string>;
}

/**
 * Every series once. Prometheus's format wants each metric and label set to be unique; exporters that are registered
 * twice break that. Of several the newest by its timestamp counts, and without one the first, as Prometheus has it.
 */
export function dropRepeats(samples: readonly Sample[]): Distinct {
  const distinct = new Map<string, Sample>();
  const contradicting = new Set<string>();
  for (const sample of samples) {
    const key = toKey(sample);
    const known = distinct.get(key);
    if (known === undefined || isNewer(sample, known)) distinct.set(key, sample);
    else if (sample.at === known.at && !Object.is(sample.value, known.value)) {
      contradicting.add(sample.name);
    }
  }
  return { samples: [...distinct.values()], contradicting };
}

/** Labels have no order. */
function toKey({ name, labels }: Sample): string {
  return JSON.stringify([name, ...[...labels].toSorted(([a], [b]) => (a < b ? -1 : 1))]);
}

function isNewer({ at }: Sample, known: Sample): boolean {
  return at !== undefined && known.at !== undefined && at > known.at;
}
