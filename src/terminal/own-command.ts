/** Words of the terminal alone; the first is their request's id. */
export interface OwnCommand {
  readonly kind: 'approve' | 'deny' | 'break-glass';
  readonly id: string;
  readonly reason: string;
}

export interface OwnFlags {
  readonly breakGlass: boolean;
  readonly reason: string | undefined;
}

/** Reads `deny ID [reason]`, `approve ID --break-glass --reason …`; undefined for every other word. */
export function parseOwnCommand(
  [word, id = '', ...rest]: readonly string[],
  flags: OwnFlags,
): OwnCommand | undefined {
  if (word !== 'approve' && word !== 'deny') return undefined;
  const reason = flags.reason ?? rest.join(' ');
  const kind = word === 'approve' && flags.breakGlass ? 'break-glass' : word;
  return { kind, id, reason };
}
