// A newcomer reads what arrived on the page and answers it there: by key in a call, by text, by mail and by
// the notification's button; with a keyboard, on a small screen, in light and dark, and accessibly. A mail
// cannot run anything in it. Needs a Chromium on the PATH; is skipped where there is none.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { createTransport } from 'nodemailer';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { barriers, browserPath, sidewaysPixels, TestBrowser } from '../test/support/browser.ts';
import { startTestSimulators } from '../test/support/simulators.ts';

const SID = 'AC00000000000000000000000000000001';
const ADA = '+15551110001';
describe.skipIf(browserPath === undefined)('the simulators’ page', () => {
  const received: string[] = [];
  const product = createServer((request, response) => {
    let body = '';
    request.on('data', (part: Buffer) => (body += part.toString()));
    request.on('end', () => {
      const form = new URLSearchParams(body);
      received.push(form.get('Digits') ?? form.get('Body') ?? request.url ?? '');
      response.setHeader('Content-Type', 'text/xml');
      if (request.url === '/answer') response.end('{"text":"Acknowledged #7."}');
      else if (form.has('Digits'))
        response.end('<Response><Say>Acknowledged. Goodbye.</Say></Response>');
      else if (form.has('Body'))
        response.end('<Response><Message>Done by text</Message></Response>');
      else
        response.end(
          '<Response><Gather timeout="60"><Say>Disk full. Press 4.</Say></Gather></Response>',
        );
    });
  });
  const problems: (readonly string[])[] = [];
  let people: Awaited<ReturnType<typeof startTestSimulators>>;
  let browser: TestBrowser;
  let page: Page;
  let origin = '';

  beforeAll(async () => {
    await new Promise<void>((resolve) => product.listen(0, '127.0.0.1', resolve));
    origin = `http://127.0.0.1:${(product.address() as AddressInfo).port}`;
    people = await startTestSimulators({
      smsUrl: `${origin}/sms`,
      people: [{ name: 'Ada Lovelace', addresses: [ADA, 'ada@demo.test', 'pdlite-ada'] }],
    });
    browser = await TestBrowser.launch();
    page = await open('light', 1200);
  }, 60_000);
  afterAll(async () => {
    await browser.close();
    await people.close();
    product.closeAllConnections();
    product.close();
  });

  async function open(colorScheme: 'light' | 'dark', width: number): Promise<Page> {
    const tab = await browser.open(people.url, { colorScheme, viewport: { width, height: 900 } });
    problems.push(tab.errors);
    await tab.page.waitForSelector('[data-state=live]');
    return tab.page;
  }
  const order = (kind: string, fields: Record<string, string>) =>
    fetch(`${people.url}/twilio/2010-04-01/Accounts/${SID}/${kind}.json`, {
      method: 'POST',
      headers: { Authorization: `Basic ${btoa(`${SID}:simulated-twilio-token`)}` },
      body: new URLSearchParams({ From: '+15550000000', To: ADA, ...fields }),
    });

  it('says what to do while nothing has arrived', async () => {
    await expect(page.getByRole('heading', { name: 'All is quiet' }).isVisible()).resolves.toBe(
      true,
    );
  });

  it('lets a call be answered and a key be pressed', async () => {
    await order('Calls', { Url: `${origin}/voice` });
    await page.getByRole('button', { name: 'Answer' }).press('Enter');
    await page.getByText('Disk full. Press 4.').first().waitFor();
    await page.getByRole('button', { name: '4 acknowledge' }).press('Enter');
    await page.getByRole('heading', { name: 'Call ended' }).waitFor();
    expect(received).toContain('4');
  });

  it('lets a text be answered, and keeps what is being typed', async () => {
    await order('Messages', { Body: 'Disk full on db1' });
    const field = page.getByRole('textbox', { name: `Text message from ${ADA}` });
    await field.fill('6 ABC234');
    await order('Messages', { Body: 'Another one' });
    await page.locator('.bubble', { hasText: 'Another one' }).waitFor();
    await field.press('Enter');
    await page.locator('.bubble', { hasText: 'Done by text' }).waitFor();
    expect(received).toContain('6 ABC234');
  });

  it('lets a notification’s button be pressed, and shows the answer', async () => {
    const actions = [{ action: 'http', label: 'Acknowledge', url: `${origin}/answer` }];
    const body = JSON.stringify({
      topic: 'pdlite-ada',
      title: 'T',
      message: 'Disk',
      priority: 5,
      actions,
    });
    await fetch(`${people.url}/ntfy/`, { method: 'POST', body });
    await page.getByRole('button', { name: 'Acknowledge', exact: true }).press('Enter');
    await page.getByText('Acknowledge: Acknowledged #7.').waitFor();
  });

  it('shows a mail in which nothing runs, and sends a reply', async () => {
    const transport = createTransport({ host: '127.0.0.1', port: people.smtpPort });
    const html =
      '<p>Read me</p><script>parent.document.title="owned"</script><img src=x onerror="parent.document.title=1">';
    await transport.sendMail({ from: 'p@x.test', to: 'ada@demo.test', subject: 'Disk full', html });
    transport.close();
    await page.frameLocator('iframe').getByText('Read me').waitFor();
    await page.getByRole('textbox', { name: 'Reply to Disk full' }).fill('ack');
    await page.getByRole('button', { name: 'Reply', exact: true }).click();
    await page.getByText('Re: Disk full').waitFor();
    expect(await page.title()).not.toMatch(/owned|^1$/);
  });

  it.each([
    ['light', 1200],
    ['dark', 375],
  ] as const)(
    'is accessible in %s at %i pixels, without scrolling sideways',
    async (scheme, width) => {
      const opened = await open(scheme, width);
      await opened.getByText('Disk full on db1').waitFor();
      expect(await barriers(opened)).toEqual([]);
      expect(await sidewaysPixels(opened)).toBeLessThanOrEqual(0);
    },
  );

  it('had no error in the browser', () => {
    const refusedToTheMail = /^Blocked script execution in 'about:srcdoc'|violates the following/;
    expect(problems.flat().filter((text) => !refusedToTheMail.test(text))).toEqual([]);
  });
});
