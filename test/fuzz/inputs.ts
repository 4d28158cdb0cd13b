import { readConfigureGlobal } from 'fast-check';

/** How many inputs an entrance gets in the long tests. */
export const inputs = Number(process.env['DBCONN_FUZZ_INPUTS'] ?? '5000');
/** Another one with FC_SEED=…: in a test's name, so that every report says it. */
export const seed = readConfigureGlobal().seed ?? 0;
