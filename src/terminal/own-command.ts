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
