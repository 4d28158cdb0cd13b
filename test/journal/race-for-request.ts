import { advance } from '../../src/runbook/approvals/request.ts';
import { openByAddress } from './open-by-address.ts';

// A process of its own: on each line it reads, it tries to approve that request, and writes whether it was first.
const [address = '', name = ''] = process.argv.slice(2);
const journal = await openByAddress(address);
process.stdout.write('ready\n');
for await (const chunk of process.stdin) {
  for (const id of String(chunk).trim().split('\n')) {
    const request = await journal.read(id);
    if (request === undefined) throw new Error(`no request ${id}`);
    const at = new Date().toISOString();
    const votes = [{ by: { id: name, via: 'slack' as const }, at, reason: null }];
    const next = advance({ ...request, state: 'proposed', version: 1 }, 'approved', { votes });
    const moved = await journal.move(1, next, { request: id, kind: 'vote', body: { name } });
    process.stdout.write(`${id} ${moved}\n`);
  }
}
await journal.close();
