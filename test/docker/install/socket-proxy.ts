import { lookup } from 'node:dns/promises';
import { createAllowingServer, toAllowList } from '../allowing-proxy.ts';

// In the image that stands in for wollomatic/socket-proxy, where no registry can be reached: reads its flags and does
// what they say.
const flags = process.argv.slice(2);

function read(name: string): string {
  const found = flags.find((flag) => flag.startsWith(`-${name}=`));
  if (found === undefined) throw new Error(`-${name} is missing.`);
  return found.slice(name.length + 2);
}

const server = createAllowingServer('/var/run/docker.sock', toAllowList(flags), (asked) =>
  console.log(`refused ${asked}`),
);
server.on('connection', (socket) => {
  lookup(read('allowfrom'), { all: true }).then(
    (found) => {
      if (!found.some(({ address }) => address === socket.remoteAddress)) socket.destroy();
    },
    () => socket.destroy(),
  );
});
server.listen(Number(read('proxyport')), read('listenip'));
process.on('SIGTERM', () => process.exit(0));
