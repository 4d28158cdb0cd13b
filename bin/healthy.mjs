// For the image's HEALTHCHECK, with what DBCONN_HTTP_PORT is: 0 while dbconn works, else 1 and what it says.
const address = process.argv[2] ?? '';
const [, host = '127.0.0.1', port] = /^(?:(.+):)?(\d+)$/.exec(address) ?? [];
if (port === undefined) {
  console.error('DBCONN_HTTP_PORT is not set, so nobody can ask dbconn how it is.');
  process.exit(1);
}
try {
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host;
  const signal = AbortSignal.timeout(8000);
  const answer = await fetch(`http://${reachable}:${port}/healthz`, { signal });
  console.log((await answer.text()).slice(0, 1000));
  process.exitCode = answer.ok ? 0 : 1;
} catch (error) {
  console.error(`dbconn does not answer: ${error.cause?.message ?? error.message}`);
  process.exitCode = 1;
}
