import type { CrashCase } from '../crash-case.ts';
import { connectionLimit } from './connection-limit.ts';
import { optionA } from './option-a.ts';
import { optionB } from './option-b.ts';
import { optionC } from './option-c.ts';
import { optionD } from './option-d.ts';
import { prepared } from './prepared.ts';
import { prevention } from './prevention.ts';
import { optionE, optionEBadValue } from './option-e.ts';

export const allCases: readonly CrashCase[] = [
  optionA,
  optionB,
  optionC,
  optionD,
  prepared,
  prevention,
  connectionLimit,
  optionE,
  optionEBadValue,
];
