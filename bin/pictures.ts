import { mkdir, rm, writeFile } from 'node:fs/promises';

import type { Locator, Page } from 'playwright-core';

import { freshEnvironment } from '../bench/stack.ts';
import { readSettings, type Settings } from '../platform/embedded/settings.ts';
import { Stack } from '../platform/embedded/stack.ts';
import { browserPath, TestBrowser } from '../test/support/browser.ts';

/**
 * Makes the pictures of the documents anew: `npm run pictures`. Runs PD Lite on data and ports of its own, pages
 * somebody, answers on the simulated phone, and photographs that and its workflow. Needs a Chromium on PATH.
 */
const FOLDER = 'docs/images';
/** Pictures are part of every clone. */
const MAX_BYTES = 200_000;
const DEMO_ROUTING_KEY = 'd3m0d3m0d3m0d3m0d3m0d3m0d3m0d3m0';
const DEMO_REST_KEY = 'pdl_OnlyForTheDemoAccountOfPdLite00000000000000_1b7f';
const LOOK = { viewport: { width: 1100, height: 900 }, locale: 'en-GB', deviceScaleFactor: 1.25 };

async function main(): Promise<void> {
  const settings = await readSettings(await freshEnvironment());
  const stack = new Stack(settings);
  try {
    await stack.start();
    await photograph(settings);
  } finally {
    await stack.stop();
    await rm(settings.dataDir, { recursive: true, force: true });
  }
}

async function photograph(settings: Settings): Promise<void> {
  const browser = await TestBrowser.launch();
  try {
    await answeredPage(browser, settings);
    await temporalUi(browser, settings);
  } finally {
    await browser.close();
  }
}

async function answeredPage(browser: TestBrowser, { config }: Settings): Promise<void> {
  const { page } = await browser.open(`http://127.0.0.1:${config.SIMULATORS_PORT}/`, LOOK);
  await page.waitForSelector('[data-state=live]');
  await alert(config.API_PORT);
  const phone = page.getByRole('group', { name: 'Phone of Alan Turing' });
  await phone.getByText('Reply 4').waitFor();
  await page.frameLocator('iframe').getByText('Or reply to this mail').waitFor();
  await page.getByRole('textbox', { name: /^Text message from/ }).fill('4');
  await page.getByRole('button', { name: 'Send' }).click();
  await phone.getByText(/Acknowledged: /).waitFor();
  await settle(page);
  const person = page.getByRole('region', { name: 'Alan Turing', exact: true });
  await keep('page-answered.png', await shoot(page, person));
}

async function temporalUi(browser: TestBrowser, { config }: Settings): Promise<void> {
  const tall = { locale: 'en-GB', viewport: { width: 1280, height: 1300 } };
  const { page } = await browser.open(await workflowUrl(config.API_PORT), tall);
  await page.getByRole('heading', { name: 'Timeline' }).waitFor();
  await settle(page);
  await keep('temporal-ui.png', await page.screenshot({ animations: 'disabled' }));
}

async function alert(apiPort: number): Promise<void> {
  const event = {
    ...{ routing_key: DEMO_ROUTING_KEY, event_action: 'trigger', dedup_key: 'checkout' },
    payload: { summary: 'Checkout is failing', source: 'checkout-1', severity: 'critical' },
  };
  const answer = await fetch(`http://127.0.0.1:${apiPort}/v2/enqueue`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(event),
  });
  if (answer.status !== 202) throw new Error(`The alert was answered ${answer.status}.`);
}

async function workflowUrl(apiPort: number): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${apiPort}/incidents`, {
    headers: { authorization: `Token token=${DEMO_REST_KEY}` },
  });
  const { incidents } = (await answer.json()) as { incidents: { temporal_ui_url: string }[] };
  return incidents[0]?.temporal_ui_url ?? '';
}

/** Fonts, and what slides into its place; soft shadows make a picture three times as large. */
async function settle(page: Page): Promise<void> {
  await page.addStyleTag({
    content: '* { box-shadow: none !important } #tabs { visibility: hidden }',
  });
  await page.evaluate('document.fonts.ready.then(() => true)');
  await page.waitForTimeout(1500);
}

/** With some pixels around it, as it stands on its page. */
async function shoot(page: Page, what: Locator): Promise<Buffer> {
  const { x, y, width, height } = (await what.boundingBox()) ?? { x: 0, y: 0, width: 1, height: 1 };
  const clip = { x: x - 16, y: y - 16, width: width + 32, height: height + 32 };
  return page.screenshot({ clip, fullPage: true, animations: 'disabled' });
}

async function keep(name: string, picture: Buffer): Promise<void> {
  if (picture.length > MAX_BYTES) {
    throw new Error(`${name} has ${picture.length} bytes, more than ${MAX_BYTES}.`);
  }
  await mkdir(FOLDER, { recursive: true });
  await writeFile(`${FOLDER}/${name}`, picture);
  console.log(`wrote ${FOLDER}/${name} (${Math.round(picture.length / 1000)} kB)`);
}

if (browserPath === undefined) {
  process.exitCode = 1;
} else {
  await main();
}
