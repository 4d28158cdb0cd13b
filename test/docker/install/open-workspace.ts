import { readFile } from 'node:fs/promises';
import type Docker from 'dockerode';
import { parse } from 'yaml';
import { identity } from '../../../sandbox/slack/identity.ts';
import { startSlack } from '../../../sandbox/slack/server.ts';
import type { LocalSlack } from '../../../sandbox/slack/server.ts';

export const tokens = { botToken: 'xoxb-install', appToken: 'xapp-install', signingSecret: 'none' };
export const channel = 'C0123456789';
export const maya = 'U0MAYA';

/** A local Slack where the containers of that network reach this machine. */
export async function openWorkspace(docker: Docker, network: string): Promise<LocalSlack> {
  const manifest = await readFile(new URL('../../../manifest.yml', import.meta.url), 'utf8');
  return startSlack({
    ...tokens,
    host: await gatewayOf(docker, network),
    manifest: parse(manifest) as unknown,
    mode: 'socket',
    people: [{ id: maya, name: 'maya', realName: 'Maya' }],
    channels: [{ id: channel, name: 'database', members: [maya, identity.botUserId] }],
    userGroups: [],
    rateLimits: false,
  });
}

async function gatewayOf(docker: Docker, network: string): Promise<string> {
  const { IPAM: ipam } = await docker.getNetwork(network).inspect();
  const gateway: unknown = ipam?.Config?.[0]?.['Gateway'];
  if (typeof gateway !== 'string') throw new Error(`The network ${network} has no gateway.`);
  return gateway;
}
