import { readConfigureGlobal } from 'fast-check';

/** How many random nights a long model is tried with; `npm run test:endurance` asks for more. */
export const nights = Number(process.env['DBCONN_MODEL_RUNS'] ?? '500');
/** Another one with FC_SEED=…: in a test's name, so that every report says it. */
export const seed = readConfigureGlobal().seed ?? 0;
/** A limit for a hang: a night takes some 30 ms, and ten times as long where a machine is busy. */
export const withinMs = Math.max(120_000, nights * 1000);
