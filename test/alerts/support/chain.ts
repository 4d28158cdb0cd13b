import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { findFreePort } from '../../../sandbox/patient/free-port.ts';
import { startDaemon } from './daemon.ts';
import type { Daemon } from './daemon.ts';
import { quickenAlertmanager, quickenPrometheus, quickenRules } from './quicken.ts';
import type { Labels, ScrapeTarget } from './quicken.ts';

interface ChainOptions {
  /** What the exporter logs in with. */
  readonly exporterUrl: string;
  /** Of the scraped exporter: by these the alert is placed. */
  readonly labels: Labels;
  readonly backends?: readonly ScrapeTarget[];
  /** Host and port of dbconn's own server. */
  readonly dbconn: string;
  /** What dbconn wants to see of whoever sends alerts. */
  readonly token: string;
}

/** A real exporter, Prometheus and Alertmanager with the files of deploy/. `close` leaves nothing behind. */
export interface Chain {
  readonly prometheusUrl: string;
  readonly alertmanagerUrl: string;
  /** The names of the alerts that Prometheus has firing. */
  firing(): Promise<readonly string[]>;
  /** The value of the first series of a query, or undefined. */
  query(expression: string): Promise<number | undefined>;
  close(): Promise<void>;
}

const Alerts = z.object({
  data: z.object({
    alerts: z.array(z.object({ state: z.string(), labels: z.record(z.string(), z.string()) })),
  }),
});
const Result = z.object({
  data: z.object({ result: z.array(z.object({ value: z.tuple([z.number(), z.string()]) })) }),
});

export async function startChain(options: ChainOptions): Promise<Chain> {
  const directory = await mkdtemp(join(tmpdir(), 'dbconn-alerts-'));
  const daemons: Daemon[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(daemons.map((daemon) => daemon.stop()));
    await rm(directory, { recursive: true, force: true });
  };
  try {
    const exporter = `127.0.0.1:${await findFreePort()}`;
    const alertmanager = `127.0.0.1:${await findFreePort()}`;
    const prometheus = `127.0.0.1:${await findFreePort()}`;
    const site = { directory, exporter, alertmanager, prometheus, options };
    daemons.push(await startExporter(site));
    daemons.push(await startAlertmanager(site));
    daemons.push(await startPrometheus(site));
    return {
      ...toQueries(`http://${prometheus}`),
      alertmanagerUrl: `http://${alertmanager}`,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

interface Site {
  readonly directory: string;
  /** Each a host and port. */
  readonly exporter: string;
  readonly alertmanager: string;
  readonly prometheus: string;
  readonly options: ChainOptions;
}

function startExporter({ exporter, options }: Site): Promise<Daemon> {
  const url = new URL(options.exporterUrl);
  url.searchParams.set('sslmode', 'disable');
  return startDaemon({
    command: 'prometheus-postgres-exporter',
    flags: [`--web.listen-address=${exporter}`],
    environment: { DATA_SOURCE_NAME: url.href },
    readyUrl: `http://${exporter}/`,
  });
}

async function startAlertmanager({ alertmanager, directory, options }: Site): Promise<Daemon> {
  const tokenFile = join(directory, 'token');
  const file = join(directory, 'alertmanager.yml');
  const webhookUrl = `http://${options.dbconn}/webhooks/alertmanager`;
  await writeFile(tokenFile, `${options.token}\n`);
  await writeFile(file, quickenAlertmanager({ webhookUrl, tokenFile }));
  return startDaemon({
    command: 'prometheus-alertmanager',
    flags: [
      `--config.file=${file}`,
      `--storage.path=${join(directory, 'alertmanager')}`,
      `--web.listen-address=${alertmanager}`,
      '--cluster.listen-address=', // alone: it would look for others on the network
    ],
    readyUrl: `http://${alertmanager}/-/ready`,
  });
}

async function startPrometheus(site: Site): Promise<Daemon> {
  const { alertmanager, directory, exporter, options, prometheus } = site;
  const rules = join(directory, 'dbconn.rules.yml');
  const file = join(directory, 'prometheus.yml');
  await writeFile(rules, quickenRules());
  const config = quickenPrometheus({
    rules,
    alertmanager,
    postgres: { address: exporter, labels: options.labels },
    backends: options.backends ?? [],
    dbconn: options.dbconn,
  });
  await writeFile(file, config);
  return startDaemon({
    command: 'prometheus',
    flags: [
      `--config.file=${file}`,
      `--storage.tsdb.path=${join(directory, 'prometheus')}`,
      `--web.listen-address=${prometheus}`,
    ],
    readyUrl: `http://${prometheus}/-/ready`,
  });
}

function toQueries(prometheusUrl: string): Pick<Chain, 'prometheusUrl' | 'firing' | 'query'> {
  return {
    prometheusUrl,
    async firing() {
      const { data } = Alerts.parse(await readJson(`${prometheusUrl}/api/v1/alerts`));
      const firing = data.alerts.filter(({ state }) => state === 'firing');
      return firing.map(({ labels }) => labels['alertname'] ?? '');
    },
    async query(expression) {
      const search = new URLSearchParams({ query: expression }).toString();
      const { data } = Result.parse(await readJson(`${prometheusUrl}/api/v1/query?${search}`));
      const value = data.result[0]?.value[1];
      return value === undefined ? undefined : Number(value);
    },
  };
}

async function readJson(url: string): Promise<unknown> {
  const response = await fetch(url);
  return response.json();
}
