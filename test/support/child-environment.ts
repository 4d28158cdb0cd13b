import { fileURLToPath } from 'node:url';

/** For a Node of its own: nothing of this process's, and what an earlier one compiled. */
export const childEnvironment = {
  PATH: process.env['PATH'],
  NODE_COMPILE_CACHE: fileURLToPath(new URL('../../node_modules/.cache/dbconn', import.meta.url)),
};
