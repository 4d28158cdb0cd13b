import type { parseArgs } from 'node:util';

export const options = {
  json: { type: 'boolean', default: false },
  watch: { type: 'boolean', default: false },
  'dry-run': { type: 'boolean', default: false },
  'break-glass': { type: 'boolean', default: false },
  reason: { type: 'string' },
  over: { type: 'string' },
  config: { type: 'string' },
  format: { type: 'string', default: 'md' },
  out: { type: 'string' },
  head: { type: 'string' },
  heads: { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
  version: { type: 'boolean', short: 'V', default: false },
} as const;

export type Flags = ReturnType<typeof parseArgs<{ options: typeof options }>>['values'];

/** What parseArgs threw, in a line; undefined for what it did not throw. */
export async function whyNotParsed(error: unknown): Promise<string | undefined> {
  const code = error instanceof TypeError && 'code' in error ? String(error.code) : '';
  if (!code.startsWith('ERR_PARSE_ARGS') || !(error instanceof TypeError)) return undefined;
  const [, typed = ''] = /'--?([\w-]*)/.exec(error.message) ?? [];
  if (code !== 'ERR_PARSE_ARGS_UNKNOWN_OPTION') {
    return error.message.includes('argument missing')
      ? `--${typed} needs a value after it.`
      : `--${typed} takes no value.`;
  }
  const { nearest } = await import('../runbook/commands/unknown-word.ts');
  const near = nearest(typed, Object.keys(options));
  return `Unknown option --${typed}. ${near === undefined ? 'See dbconn help.' : `Did you mean --${near}?`}`;
}

/** Words of the terminal alone; the first is their request's id. */
export interface OwnCommand {
  readonly kind: 'approve' | 'deny' | 'break-glass' | 'commands' | 'ran';
  readonly id: string;
  readonly reason: string;
}

interface OwnFlags {
  readonly breakGlass: boolean;
  readonly reason: string | undefined;
}

/** Reads `deny ID [reason]`, `commands ID`, `ran ID`, `approve ID --break-glass --reason …`; undefined for every other word. */
export function parseOwnCommand(
  [word, id = '', ...rest]: readonly string[],
  flags: OwnFlags,
): OwnCommand | undefined {
  if (!isOwn(word)) return undefined;
  const reason = flags.reason ?? rest.join(' ');
  const kind = word === 'approve' && flags.breakGlass ? 'break-glass' : word;
  return { kind, id, reason };
}

function isOwn(word: string | undefined): word is 'approve' | 'deny' | 'commands' | 'ran' {
  return word === 'approve' || word === 'deny' || word === 'commands' || word === 'ran';
}
