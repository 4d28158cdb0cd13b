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
} as const;

export type Flags = ReturnType<typeof parseArgs<{ options: typeof options }>>['values'];
