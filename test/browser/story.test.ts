import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { people, setStage } from '../../sandbox/stage.ts';
import type { Stage } from '../../sandbox/stage.ts';
import { launchBrowser, skipsWithoutChromium } from './support/browser.ts';
import { openPageIn } from './support/open-page.ts';

/** The demo as `npm run demo` shows it, by somebody who only looks and presses. */

const [maya, jonas] = people;
/** Five times what the slowest step takes: the server fills, is looked at, restarted, looked at again. */
const patient = { timeout: 60_000 };

let browser: Browser;

async function openStage(): Promise<Stage> {
  const stage = await setStage({ seed: 7, watch: true });
  onTestFinished(() => stage.close());
  return stage;
}

async function become(page: Page, { realName }: (typeof people)[number]): Promise<void> {
  await page.getByRole('button', { name: realName }).click();
  await page.getByRole('button', { name: `${realName} you` }).waitFor(patient);
}

/** The incident's own message in the channel. */
function cardOf(page: Page): Locator {
  return page.locator('#conversation .message').filter({ hasText: /Incident inc-/ });
}

describe.skipIf(skipsWithoutChromium())('an incident on the page', () => {
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser.close();
  });

  test(
    'comes by itself, is taken, mended and reported, and ticked off',
    { timeout: 300_000 },
    async () => {
      const stage = await openStage();
      const page = await openPageIn(browser, stage, { user: maya.id, inside: 'C0DATABASE' });
      await stage.patient.trouble('connection-leak');

      const card = cardOf(page);
      await card
        .getByRole('heading', { name: /Critical, shop: 3\d of 35 usable/ })
        .waitFor(patient);
      await card.getByText('Likely cause: connection leak').first().waitFor(patient);
      await card.getByRole('button', { name: 'Acknowledge the incident of shop' }).click();
      await card.getByText('Owner:').waitFor(patient);

      const [, service = ''] = new Set(
        stage.patient.fleet.replicas.map(({ options }) => options.service),
      );
      await page.getByLabel('Slash command').fill(`/dbconn propose C ${service}`);
      await page.keyboard.press('Enter');
      const request = page.locator('#conversation .message', { hasText: /request \w+ · plan/ });
      await request.getByRole('button', { name: 'Approve' }).waitFor(patient);
      await become(page, jonas);
      await request.getByRole('button', { name: 'Approve' }).click();
      await page
        .getByRole('dialog')
        .getByRole('button', { name: /^(?:Approve|Restart)/ })
        .click();
      await request.getByRole('heading', { name: /^.*Fixed: restarted/ }).waitFor(patient);

      await card.getByRole('heading', { name: /Resolved, shop/ }).waitFor(patient);
      await card.getByText('Cause: Connection leak').waitFor(patient);
      await card.getByText('report in the thread').waitFor(patient);
      await card.locator('button.replies').click();
      const thread = page.locator('#thread');
      await thread.getByText(/Option C: fixed\./).waitFor(patient);
      await thread.getByText(/^Cause: Connection leak, /).waitFor(patient);
      await thread.getByRole('img', { name: /Connections of shop/ }).waitFor(patient);
      await thread.getByText(/# shop .* connection leak/).waitFor(patient);
      await thread.getByLabel('Validate pool size settings').check();
      await thread.getByText('✓ Validate pool size settings').waitFor(patient);
      await card.getByText('1 of 5 checklist items done').waitFor(patient);

      await page.getByRole('button', { name: 'dbconn', exact: true }).click();
      const home = page.locator('#home');
      await home.getByText('Last outcomes', { exact: true }).waitFor(patient);
      expect(await home.textContent()).toContain('Fixed: restarted');
    },
  );
});
