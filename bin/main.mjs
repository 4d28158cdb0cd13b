// The bot: the bundle that `npm ci` makes, or where there is none the sources, which take longer to start and more memory.
import { existsSync } from 'node:fs';

const bundle = new URL('../dist/main.js', import.meta.url);
const isBundled = existsSync(bundle);
// Node keeps quiet about what dependencies use, but in the bundle it cannot tell them from dbconn.
process.noDeprecation = isBundled;
await import(isBundled ? bundle : new URL('../src/main.ts', import.meta.url));
