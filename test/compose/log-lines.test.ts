import { array, assert, nat, property } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LogFrameReader, joinFrames } from '../../src/docker/logs/log-lines.ts';
import { frame } from './fake-engine.ts';

const at = '2026-11-23T03:00:00.123456789Z';

function readAll(chunks: readonly Buffer[]): ReturnType<typeof joinFrames> {
  const reader = new LogFrameReader();
  return joinFrames([...chunks.flatMap((chunk) => reader.read(chunk)), ...reader.end()]);
}

describe('a log stream', () => {
  test('cut anywhere gives the same lines', () => {
    const whole = Buffer.concat([
      frame(`${at} first, with ünïcode €\n`),
      frame(`${at} from stdout\n`, 'stdout'),
      frame(`${at} `),
      frame(`${at} second\n`),
    ]);
    const expected = readAll([whole]).map(({ text }) => text);
    expect(expected).toEqual(['first, with ünïcode €', 'from stdout', 'second']);
    assert(
      property(array(nat({ max: whole.length })), (cuts) => {
        const edges = [0, ...cuts.sort((a, b) => a - b), whole.length];
        const chunks = edges.slice(1).map((end, index) => whole.subarray(edges[index], end));
        expect(readAll(chunks).map(({ text }) => text)).toEqual(expected);
      }),
    );
  });

  test('a line over 16 KiB is one line: later frames lose their timestamp, a character cut in two is mended', () => {
    const euro = Buffer.from('€');
    const head = Buffer.concat([Buffer.from(`${at} ${'x'.repeat(16_000)}`), euro.subarray(0, 1)]);
    const rest = Buffer.concat([Buffer.from(`${at} `), euro.subarray(1), Buffer.from(' end\n')]);
    const lines = readAll([frame(head), frame(`${at} between\n`, 'stdout'), frame(rest)]);
    expect(lines.map(({ text }) => text)).toEqual(['between', `${'x'.repeat(16_000)}€ end`]);
    expect(lines.every((line) => line.at === at)).toBe(true);
  });

  test('a line without end is cut, not collected for ever', () => {
    const pieces = Array.from({ length: 100 }, () => frame(`${at} ${'y'.repeat(16_000)}`));
    const [line, ...others] = readAll(pieces);
    expect(others).toEqual([]);
    expect(line?.text.length).toBe(32 * 1024);
  });

  test('of a terminal is text without frames and with carriage returns; a JSON line stays a line', () => {
    const terminal = Buffer.from(`${at} {"level":"error"}\r\n${at} half a li`);
    expect(readAll([terminal.subarray(0, 20), terminal.subarray(20)])).toEqual([
      { stream: 'stdout', at, text: '{"level":"error"}' },
      { stream: 'stdout', at, text: 'half a li' },
    ]);
  });

  test('of an engine without timestamps keeps its text', () => {
    expect(readAll([frame('no time here\n')])).toEqual([
      { stream: 'stderr', at: null, text: 'no time here' },
    ]);
  });

  test('cut short in the middle of a frame gives what came whole', () => {
    const whole = Buffer.concat([frame(`${at} one\n`), frame(`${at} two\n`)]);
    expect(readAll([whole.subarray(0, -3)]).map(({ text }) => text)).toEqual(['one']);
  });

  test('that is none is refused before it fills the memory', () => {
    const reader = new LogFrameReader();
    expect(() => reader.read(Buffer.from([1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]))).toThrow(
      /too long/,
    );
    const endless = new LogFrameReader();
    expect(() => endless.read(Buffer.alloc(2 * 1024 * 1024, 'z'))).toThrow(/no line ends/);
  });
});
