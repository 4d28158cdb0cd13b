import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createEmergencyStopSwitch } from '../../src/config/emergency-stop-switch.ts';

let directory = '';
let stopFile = '';
let configFile = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'dbconn-brake-'));
  stopFile = join(directory, 'stop');
  configFile = join(directory, 'dbconn.yml');
  writeFileSync(configFile, 'targets: []\n');
});
afterEach(() => {
  chmodSync(directory, 0o700);
  rmSync(directory, { recursive: true });
});

test('without a file and without a setting nothing is stopped', async () => {
  expect(await createEmergencyStopSwitch({ stopFile, configFile }).readStop()).toBeUndefined();
  const nothing = { stopFile: undefined, configFile: undefined };
  expect(await createEmergencyStopSwitch(nothing).readStop()).toBeUndefined();
});

test('the file stops while it exists, and what stands in it is the reason, without its secrets', async () => {
  const stopSwitch = createEmergencyStopSwitch({ stopFile, configFile });
  writeFileSync(stopFile, 'moving the disks, see postgres://app:hunter2@db/shop\n');
  const stop = await stopSwitch.readStop();
  expect(stop?.by).toBe('the file of approval.stopFile');
  expect(stop?.at).toMatch(/^\d{4}-.*Z$/);
  expect(stop?.lift).toContain('remove that file');
  expect(stop?.reason).toContain('moving the disks');
  expect(stop?.reason).not.toContain('hunter2');
  // The same stop is told once: it has one time, however often it is read.
  expect(await stopSwitch.readStop()).toEqual(stop);
  rmSync(stopFile);
  expect(await stopSwitch.readStop()).toBeUndefined();
});

test('a huge file is a stop with a short reason', async () => {
  writeFileSync(stopFile, 'stop '.repeat(1_000_000));
  const stop = await createEmergencyStopSwitch({ stopFile, configFile }).readStop();
  expect(stop?.reason.length).toBeLessThanOrEqual(500);
});

test('what stands there and cannot be read is a stop', async () => {
  mkdirSync(stopFile);
  expect(await createEmergencyStopSwitch({ stopFile, configFile }).readStop()).toMatchObject({
    reason: 'The file cannot be read.',
  });
});

test('a pipe in place of either file is a stop, and nobody waits for who would write to it', async () => {
  execFileSync('mkfifo', [stopFile]);
  const byFile = await createEmergencyStopSwitch({ stopFile, configFile }).readStop();
  expect(byFile?.reason).toBe('The file cannot be read.');
  rmSync(stopFile);
  rmSync(configFile);
  execFileSync('mkfifo', [configFile]);
  const bySetting = await createEmergencyStopSwitch({ stopFile, configFile }).readStop();
  expect(bySetting?.reason).toBe('That file cannot be read at present.');
});

test('the setting stops and lets go without a restart', async () => {
  const stopSwitch = createEmergencyStopSwitch({ stopFile, configFile });
  writeFileSync(configFile, 'approval: { stopped: true }\n');
  const stop = await stopSwitch.readStop();
  expect(stop).toMatchObject({ by: 'approval.stopped in dbconn.yml', reason: '' });
  expect(stop?.lift).toMatch(/\.$/);
  writeFileSync(configFile, 'approval: { stopped: false }\n');
  expect(await stopSwitch.readStop()).toBeUndefined();
  writeFileSync(configFile, 'approval:\n');
  expect(await stopSwitch.readStop()).toBeUndefined();
});

test.for([
  ['broken', 'approval: { stopped: : "hunter2" }'],
  ['half written', 'approval: [stopped'],
  ['with another word there', 'approval: { stopped: yes please }'],
  ['empty', ''],
] as const)('a dbconn.yml that is %s stops, and none of it is repeated', async ([, text]) => {
  writeFileSync(configFile, text);
  const stop = await createEmergencyStopSwitch({ stopFile, configFile }).readStop();
  expect(stop?.reason).toBe('That file cannot be read at present.');
});

test('a dbconn.yml that is gone stops', async () => {
  rmSync(configFile);
  expect(await createEmergencyStopSwitch({ stopFile, configFile }).readStop()).toBeDefined();
});
