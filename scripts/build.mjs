// Bundles the bot and the terminal into dist/, which starts several times as fast as the sources and takes less memory.
// `npm ci` runs it (prepare); a production install has no bundler and runs the sources.
import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));

async function loadBundler() {
  try {
    return await import('rolldown');
  } catch (error) {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
    return undefined;
  }
}

const bundler = await loadBundler();
if (bundler === undefined) {
  console.log('No bundle was made: rolldown is not installed. dbconn runs from its sources.');
} else {
  // A chunk of an earlier build would stay beside those of this one.
  await rm(at('dist'), { recursive: true, force: true });
  await bundler.build({
    cwd: at(''),
    input: { main: 'src/main.ts', cli: 'src/cli.ts' },
    platform: 'node',
    // ssh2's optional addition, which dbconn never builds: its engine is not reached by SSH.
    external: [/\.node$/],
    output: {
      dir: 'dist',
      // Names stay: they stand in stack traces, and in the log as the type of an error.
      minify: { mangle: false },
    },
  });
}
