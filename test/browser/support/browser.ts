import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';
import type { Browser } from 'playwright-core';

const PATH = process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium';

/** Chromium asks the network for updates and more at every start; a test needs none of that. */
const ARGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/**
 * True where these tests cannot run and need not: no Chromium, and not in CI. In CI its absence is
 * a failure of the build, not a reason to pass.
 */
export function skipsWithoutChromium(): boolean {
  if (existsSync(PATH) || process.env['CI'] === 'true') return false;
  process.stderr.write(`Skipped: no Chromium at ${PATH}; set CHROMIUM_PATH to run these tests.\n`);
  return true;
}

export async function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: PATH, args: ARGS });
}
