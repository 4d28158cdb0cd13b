import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { toAllowList } from './allowing-proxy.ts';
import type { AllowList } from './allowing-proxy.ts';

const File = z.object({
  services: z.record(z.string(), z.object({ command: z.array(z.string()) })),
});

/** Which paths each method may reach, as a service of deploy/socket-proxy.yml says. */
export function readAllowList(service: string): AllowList {
  const file = new URL('../../deploy/socket-proxy.yml', import.meta.url);
  const { services } = File.parse(parse(readFileSync(file, 'utf8'), { merge: true }));
  return toAllowList(services[service]?.command ?? []);
}
