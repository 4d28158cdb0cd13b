import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseDocument, visit } from 'yaml';

/**
 * The files of deploy/ as the chain of the tests runs them. They are changed in what they say about time and about
 * addresses, and in nothing else: the rules, labels, routes and receivers are those an operator gets.
 */

export type Labels = Readonly<Record<string, string>>;

/** Host and port. */
export interface ScrapeTarget {
  readonly address: string;
  readonly labels: Labels;
}

/** A minute in which a condition has to hold is two seconds. */
export function quickenRules(): string {
  const document = parseDocument(readDeployed('prometheus/dbconn.rules.yml'));
  visit(document, {
    Pair(_, pair) {
      if (String(pair.key) === 'for') pair.value = document.createNode('2s');
    },
  });
  return document.toString();
}

interface PrometheusAddresses {
  readonly rules: string;
  readonly alertmanager: string;
  readonly postgres: ScrapeTarget;
  readonly backends: readonly ScrapeTarget[];
  readonly dbconn: string;
}

/** Looks every second instead of every 15, and knows its targets by address instead of from Docker. */
export function quickenPrometheus(addresses: PrometheusAddresses): string {
  const document = parseDocument(readDeployed('prometheus/scrape.example.yml'));
  const { alertmanager, backends, dbconn, postgres, rules } = addresses;
  const statically = (targets: readonly ScrapeTarget[]): unknown =>
    targets.map(({ address, labels }) => ({ targets: [address], labels }));
  document.set('global', document.createNode({ scrape_interval: '1s', evaluation_interval: '1s' }));
  document.setIn(['rule_files', 0], rules);
  document.setIn(['alerting', 'alertmanagers', 0, 'static_configs', 0, 'targets', 0], alertmanager);
  const jobs = ['scrape_configs'];
  document.setIn([...jobs, 0, 'scrape_interval'], '1s');
  document.setIn([...jobs, 0, 'scrape_timeout'], '1s');
  document.setIn([...jobs, 0, 'static_configs'], document.createNode(statically([postgres])));
  document.deleteIn([...jobs, 1, 'docker_sd_configs']);
  document.deleteIn([...jobs, 1, 'relabel_configs']);
  document.setIn([...jobs, 1, 'static_configs'], document.createNode(statically(backends)));
  document.setIn([...jobs, 2, 'static_configs', 0, 'targets', 0], dbconn);
  return document.toString();
}

interface AlertmanagerAddresses {
  readonly webhookUrl: string;
  readonly tokenFile: string;
}

/** Groups wait for nobody, and what is said is said again every five seconds. */
export function quickenAlertmanager({ tokenFile, webhookUrl }: AlertmanagerAddresses): string {
  const document = parseDocument(readDeployed('alertmanager.yml'));
  const route = ['route', 'routes', 0];
  document.setIn([...route, 'group_wait'], '0s');
  document.setIn([...route, 'group_interval'], '1s');
  document.setIn([...route, 'repeat_interval'], '5s');
  const webhook = ['receivers', 1, 'webhook_configs', 0];
  document.setIn([...webhook, 'url'], webhookUrl);
  document.setIn([...webhook, 'http_config', 'authorization', 'credentials_file'], tokenFile);
  return document.toString();
}

/** The path of a file in deploy/. */
export function deployedPath(name: string): string {
  return fileURLToPath(new URL(`../../../deploy/${name}`, import.meta.url));
}

function readDeployed(name: string): string {
  return readFileSync(deployedPath(name), 'utf8');
}
