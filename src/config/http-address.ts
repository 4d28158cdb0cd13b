/** `8080` on all interfaces, or `127.0.0.1:8080`; undefined where nothing is given. */
export function readHttpAddress(
  text: string,
): { readonly host: string; readonly port: number } | 'invalid' | undefined {
  if (text === '') return undefined;
  const [, host, digits] = /^(?:(.+):)?(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits === undefined || port > 65_535) return 'invalid';
  return { host: host?.replaceAll(/^\[|\]$/g, '') ?? '0.0.0.0', port };
}
