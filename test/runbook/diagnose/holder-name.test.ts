import { expect, test } from 'vitest';
import {
  commonName,
  isConsole,
  isNameless,
  toApplication,
} from '../../../src/runbook/diagnose/sources.ts';

test.for([
  ['backend - 10.0.0.7:40001', 'backend'],
  ['backend - [fe80::1]:40001', 'backend'],
  ['backend-7f9c8-abcde', 'backend'],
  ['backend-6d4b75cb6d-x2lkq', 'backend'],
  ['app@host:5432', 'app'],
  ['worker-12 (pid 4711)', 'worker'],
  ['worker12', 'worker'],
  ['shop_3', 'shop'],
  ['celery@worker-3', 'celery'],
  ['sidekiq 7.0.2 shop [3 of 10 busy]', 'sidekiq shop'],
  ['svc 550e8400-e29b-41d4-a716-446655440000', 'svc'],
  ['api-v2', 'api-v2'],
  ['s3uploader-web', 's3uploader-web'],
  ['orders_svc', 'orders_svc'],
  ['4711', '4711'],
  ['', ''],
] as const)('%s is a process of %s', ([name, application]) => {
  expect(toApplication(name)).toBe(application);
});

test('a name that all processes have is said as it is', () => {
  expect(commonName(['shop1', 'shop1'])).toBe('shop1');
  expect(commonName(['shop-1', 'shop-2'])).toBe('shop');
});

test("a driver's name says nothing of the application", () => {
  expect(['', ' ', 'PostgreSQL JDBC Driver', 'postgres.js'].every(isNameless)).toBe(true);
  expect(isNameless('backend')).toBe(false);
});

test('consoles are told by their names', () => {
  const names = ['psql', 'pgAdmin 4 - DB:shop', 'DBeaver 23.1 - Main', 'DataGrip 2024.1'];
  expect(names.every(isConsole)).toBe(true);
  expect(['psqlite-sync-service', 'backend', ''].some(isConsole)).toBe(false);
});
