import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { readConfig } from '../../src/config/config.ts';
import { readSlackConfig } from '../../src/config/slack-settings.ts';
import { serve } from '../http/served.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

/** Only names of the API's documentation: Kubernetes takes no notice of one that is misspelt. */
const Probe = z.strictObject({
  httpGet: z.strictObject({ path: z.string(), port: z.string() }),
  periodSeconds: z.number(),
  timeoutSeconds: z.number(),
  failureThreshold: z.number().optional(),
});
const Container = z.strictObject({
  name: z.string(),
  image: z.string(),
  env: z.array(z.strictObject({ name: z.string(), value: z.string() })),
  ports: z.array(z.strictObject({ name: z.string(), containerPort: z.number() })),
  startupProbe: Probe,
  livenessProbe: Probe,
  readinessProbe: Probe,
  securityContext: z.unknown(),
  resources: z.strictObject({ requests: z.unknown(), limits: z.unknown() }),
  volumeMounts: z.array(
    z.strictObject({ name: z.string(), mountPath: z.string(), readOnly: z.boolean().optional() }),
  ),
});
const Pod = z.strictObject({
  terminationGracePeriodSeconds: z.number(),
  automountServiceAccountToken: z.boolean(),
  securityContext: z.strictObject({
    runAsNonRoot: z.boolean(),
    runAsUser: z.number(),
    runAsGroup: z.number(),
    fsGroup: z.number(),
    fsGroupChangePolicy: z.string(),
    seccompProfile: z.strictObject({ type: z.string() }),
  }),
  containers: z.tuple([Container]),
  volumes: z.array(z.looseObject({ name: z.string() })),
});
const Labels = z.record(z.string(), z.string());
const Deployment = z.looseObject({
  spec: z.strictObject({
    replicas: z.number(),
    strategy: z.strictObject({ type: z.string() }),
    selector: z.strictObject({ matchLabels: Labels }),
    template: z.strictObject({ metadata: z.strictObject({ labels: Labels }), spec: Pod }),
  }),
});

const manifests = new Map(
  parseAllDocuments(read('deploy/kubernetes.yml')).map((document) => {
    const manifest: unknown = document.toJS();
    return [z.looseObject({ kind: z.string() }).parse(manifest).kind, manifest] as const;
  }),
);
const { spec } = Deployment.parse(manifests.get('Deployment'));
const pod = spec.template.spec;
const [container] = pod.containers;
const environment = Object.fromEntries(container.env.map(({ name, value }) => [name, value]));

/** What the secret of the page's first lines holds, where the pod would have it mounted. */
const secrets = {
  'slack-bot-token': 'xoxb-1',
  'slack-app-token': 'xapp-1',
  'database-url': 'postgres://dbconn:hidden@db/orders',
  'webhook-token': 'a-secret-of-the-webhook',
};
let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dbconn-kubernetes-'));
  for (const [name, secret] of Object.entries(secrets)) writeFileSync(join(folder, name), secret);
});
afterAll(() => rmSync(folder, { recursive: true }));

const mounted = (text: string): string => text.replaceAll('/run/secrets/dbconn', folder);

test('its parts name each other', () => {
  expect([...manifests.keys()]).toEqual([
    'ConfigMap',
    'PersistentVolumeClaim',
    'Deployment',
    'Service',
  ]);
  const volumes = pod.volumes.map(({ name }) => name);
  expect(container.volumeMounts.map(({ name }) => name).toSorted()).toEqual(volumes.toSorted());
  expect(spec.selector.matchLabels).toEqual(spec.template.metadata.labels);
  expect(manifests.get('Service')).toMatchObject({
    spec: { selector: spec.selector.matchLabels, ports: [{ targetPort: 'http' }] },
  });
  for (const secret of Object.keys(secrets)) {
    expect(read('deploy/kubernetes.yml')).toContain(`--from-file=${secret}`);
  }
});

test('dbconn reads its dbconn.yml and its secrets', () => {
  const map = z.looseObject({ data: z.object({ 'dbconn.yml': z.string() }) });
  const file = join(folder, 'dbconn.yml');
  writeFileSync(file, mounted(map.parse(manifests.get('ConfigMap')).data['dbconn.yml']));
  const inPod = Object.fromEntries(
    Object.entries(environment).map(([name, value]) => [name, mounted(value)]),
  );
  const config = readConfig(inPod, file);
  expect(config.targets[0]?.database.url).toBe(secrets['database-url']);
  expect(config.targets[0]?.target.runtime).toMatchObject({ kind: 'kubernetes' });
  expect(config.alerts.bearer).toBe(secrets['webhook-token']);
  expect(config.journal).toBe('/data/dbconn.sqlite');
  expect(config.http?.port).toBe(container.ports[0]?.containerPort);
  expect(readSlackConfig(inPod).botToken).toBe(secrets['slack-bot-token']);
});

test('every variable that it sets is one that dbconn reads', () => {
  const code = globSync('src/config/*.ts', { cwd: root }).map(read).join('\n');
  const unknown = Object.keys(environment).filter(
    (name) => !code.includes(`'${name.replace(/_FILE$/, '')}'`),
  );
  expect(unknown).toEqual([]);
});

test('its probes ask paths that dbconn answers, on the port that it names', async () => {
  const served = await serve({ incidents: { alert: () => Promise.reject(new Error('unused')) } });
  try {
    const { startupProbe, livenessProbe, readinessProbe } = container;
    for (const { httpGet } of [startupProbe, livenessProbe, readinessProbe]) {
      expect((await served.get(httpGet.path)).status).toBe(200);
      expect(container.ports.map(({ name }) => name)).toContain(httpGet.port);
    }
    expect((await served.get('/other')).status).toBe(404);
  } finally {
    await served.close();
  }
});

test('it is one process, without root, that writes to its volume alone and has time to end', () => {
  expect(spec).toMatchObject({ replicas: 1, strategy: { type: 'Recreate' } });
  expect(pod).toMatchObject({
    automountServiceAccountToken: false,
    securityContext: { runAsNonRoot: true, runAsUser: 1000 },
  });
  expect(container.securityContext).toEqual({
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  });
  // As long as the compose file gives it.
  expect(pod.terminationGracePeriodSeconds).toBe(11 * 60);
  expect(read('deploy/compose.yml')).toContain('stop_grace_period: 11m');
  expect(read('deploy/kubernetes.yml')).not.toMatch(/docker\.sock|hostPath|privileged: true/);
  const writable = container.volumeMounts.filter((mount) => mount.readOnly !== true);
  expect(writable.map(({ mountPath }) => mountPath)).toEqual(['/data', '/tmp']);
});
