/**
 * `propose C backend`: what to type to get a proposal, names with spaces in quotes. Undefined for a name that
 * could not be typed back, or would stand on a button as something else than a name.
 */
export function toCommand(...words: readonly [string, ...string[]]): string | undefined {
  const quoted = words.map((word) => (/\s/.test(word) ? `"${word}"` : word));
  return words.every((word) => /^[\w .:@/-]{1,63}$/.test(word))
    ? ['propose', ...quoted].join(' ')
    : undefined;
}
