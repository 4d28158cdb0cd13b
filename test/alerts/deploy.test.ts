import { describe, expect, test } from 'vitest';
import { deployedPath } from './support/quicken.ts';
import { findMissingTools, runTool, whatIsMissing } from './support/tools.ts';

describe.skipIf(findMissingTools().length > 0)(`deploy${whatIsMissing()}`, () => {
  test('the rules fire when they should, and only then', () => {
    const said = runTool(
      'promtool',
      'test',
      'rules',
      deployedPath('prometheus/dbconn.rules.test.yml'),
    );
    expect(said).toContain('SUCCESS');
  });

  test('Prometheus takes the rules and the scrape configuration', () => {
    const file = deployedPath('prometheus/scrape.example.yml');
    expect(runTool('promtool', 'check', 'config', file)).toMatch(/SUCCESS: \d+ rules found/);
  });

  test('Alertmanager takes its configuration', () => {
    const file = deployedPath('alertmanager.yml');
    expect(runTool('amtool', 'check-config', file)).toContain('SUCCESS');
  });

  test.each([
    ['DatabaseConnectionPoolExhausted', 'dbconn,people'],
    ['DatabaseConnectionPoolUnobservable', 'dbconn,people'],
    ['SQLAlchemyPoolExhausted', 'dbconn,people'],
    ['DbconnDown', 'people'],
    ['SomethingElse', 'people'],
  ])('%s goes to %s', (name, receivers) => {
    const file = deployedPath('alertmanager.yml');
    const words = ['config', 'routes', 'test', '--config.file', file, `alertname=${name}`];
    expect(runTool('amtool', ...words).trim()).toBe(receivers);
  });
});
