// What people see in a browser, on the whole product: the page on a phone and its answer, by mouse and by keyboard;
// the page behind a mail's link, without scripts; the api's description; the workflow in Temporal UI. All of it
// readable on a telephone and with assistive technology. Needs a Chromium on PATH; is skipped where there is none.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';

import { signToken } from '../../platform/tokens.ts';
import {
  barriers,
  browserPath,
  PHONE,
  sidewaysPixels,
  tabTo,
  TestBrowser,
  type Tab,
} from '../support/browser.ts';
import { at, LINK_SECRET, startProduct, type Product } from '../support/product.ts';

describe.skipIf(browserPath === undefined)('in a browser', () => {
  let product: Product;
  let browser: TestBrowser;

  beforeAll(async () => {
    const names = ['ada', 'bea', 'cyd', 'dov', 'eve'];
    const people = { bea: { methods: ['sms' as const] }, cyd: { methods: ['email' as const] } };
    product = await startProduct({
      people: { ...Object.fromEntries(names.map((name) => [name, {}])), ...people },
    });
    const known = names.map((name) => {
      const { phone, email, topic } = product.person(name);
      return { name, addresses: [phone, email, topic] };
    });
    await product.simulators.post('/control/people', known);
    browser = await TestBrowser.launch();
  });
  afterAll(async () => {
    await browser.close();
    await product.close();
  });

  afterEach(() => browser.closeTabs());

  describe('the simulated phones', () => {
    const openPhones = async (options = {}): Promise<Tab> => {
      const tab = await browser.open(product.simulators.url, options);
      await tab.page.waitForSelector('[data-state=live]');
      return tab;
    };

    test('show a page as soon as it is sent, which a click answers', async () => {
      const { page, errors, foreign } = await openPhones();
      await product.alert('ada', 'click', { summary: 'Disk full on db-1' });
      const phone = page.getByRole('group', { name: 'Phone of ada' });
      await phone.getByRole('heading', { name: /Disk full on db-1/ }).waitFor();
      await phone.getByRole('button', { name: 'Acknowledge' }).click();
      await phone
        .getByRole('status')
        .getByText(/Acknowledged: #\d+ Disk full on db-1/)
        .waitFor();
      await product.incident('click', 'acknowledged');
      expect([errors, foreign]).toEqual([[], []]);
    });

    test('can be answered with a keyboard alone', async () => {
      const { page } = await openPhones();
      await product.alert('bea', 'keyboard');
      const texts = page.getByRole('group', { name: 'Phone of bea' });
      await texts.getByText('Alert keyboard').waitFor();
      await tabTo(page, `Text message from ${product.person('bea').phone}`);
      await page.keyboard.type('4');
      await page.keyboard.press('Enter');
      await texts.getByText(/Acknowledged: #\d+ Alert keyboard/).waitFor();
      await product.incident('keyboard', 'acknowledged');
    });

    test('are asked for the code when they answer faster than anybody reads', async () => {
      // The incident before, of which the answer may have come late.
      await product.alert('bea', 'before');
      await product.phone('bea').expectSms(/Alert before/);
      await product.alert('bea', 'before', { action: 'resolve' });
      await product.incident('before', 'resolved');
      const { page } = await openPhones();
      await product.alert('bea', 'hasty');
      const texts = page.getByRole('group', { name: 'Phone of bea' });
      await texts.getByText('Alert hasty').waitFor();
      await tabTo(page, `Text message from ${product.person('bea').phone}`);
      await page.keyboard.type('4');
      await page.keyboard.press('Enter');
      const asked = texts.getByText(/may be meant for an earlier incident/);
      await asked.waitFor();
      const [withCode = ''] = /4 [A-Z0-9]{4,}/.exec(await asked.innerText()) ?? [];
      // The answer itself did not count.
      await product.incident('hasty', 'triggered');
      await page.keyboard.type(withCode);
      await page.keyboard.press('Enter');
      await texts.getByText(/Acknowledged: #\d+ Alert hasty/).waitFor();
    });

    test.each(['light', 'dark'] as const)('fit a telephone, in %s', async (colorScheme) => {
      const { page } = await openPhones({ ...PHONE, colorScheme });
      await page.getByText('Alert keyboard').first().waitFor();
      expect(await sidewaysPixels(page)).toBeLessThanOrEqual(0);
      expect(await barriers(page)).toEqual([]);
    });

    test('show a mail, whose link opens the page that answers', async () => {
      const { page } = await openPhones();
      await product.alert('dov', 'mail', { summary: 'Queue is growing' });
      const mail = page.getByRole('region', { name: 'Mailbox of dov' });
      const opened = page.context().waitForEvent('page');
      await mail.frameLocator('iframe').getByRole('link', { name: 'Acknowledge' }).click();
      const answer = await opened;
      await answer.getByRole('button', { name: 'Acknowledge' }).click();
      await answer.getByRole('heading', { name: 'Done' }).waitFor();
      await product.incident('mail', 'acknowledged');
    });
  });

  describe('the page behind a mail’s link', () => {
    let resolveLink = '';
    const withoutScripts = { ...PHONE, javaScriptEnabled: false };

    test('changes nothing until its button is pressed, acts once, and says so the second time', async () => {
      await product.alert('cyd', 'link', { summary: 'Certificate <b>expired</b>' });
      const mail = await product.mailbox('cyd').expectMail(/Certificate/);
      const { page, foreign } = await browser.open(mail.link('Acknowledge'), withoutScripts);
      await page.getByRole('heading', { name: 'Acknowledge this incident?' }).waitFor();
      await page.getByText('Certificate <b>expired</b>').waitFor();
      await product.incident('link', 'triggered');
      await page.getByRole('button', { name: 'Acknowledge' }).click();
      await page.getByRole('heading', { name: 'Done' }).waitFor();
      await product.incident('link', 'acknowledged');
      const again = await browser.open(mail.link('Acknowledge'), withoutScripts);
      await again.page.getByRole('heading', { name: 'Answered already' }).waitFor();
      await again.page
        .getByText(/You have used this link already. Acknowledged: #\d+ Cert/)
        .waitFor();
      expect(await again.page.getByRole('button').count()).toBe(0);
      expect(foreign).toEqual([]);
    });

    test('says who answered first, and that a link is too old', async () => {
      await product.alert('eve', 'late');
      const mail = await product.mailbox('eve').expectMail(/Alert late/);
      const sms = await product.phone('eve').expectSms(/Alert late/);
      resolveLink = mail.link('Resolve');
      const { page } = await browser.open(mail.link('Acknowledge'), withoutScripts);
      await sms.reply('4');
      await product.incident('late', 'acknowledged');
      await page.getByRole('button', { name: 'Acknowledge' }).click();
      await page.getByText(/Alert late was already acknowledged by you at \d\d:\d\d UTC/).waitFor();
      const old = signToken(LINK_SECRET, {
        ...{
          v: 1,
          kind: 'link',
          action: 'resolve',
          tokenId: 't',
          code: 'ABC234',
          incidentIds: ['I'],
        },
        ...{ accountId: 'A', userId: 'U', contactMethodId: 'C', expiresAtMs: Date.now() - 1000 },
      });
      const expired = await browser.open(`${product.apiUrl}/answer/${old}`, withoutScripts);
      await expired.page
        .getByRole('heading', { name: 'This link does not work any more' })
        .waitFor();
    });

    test.each(['light', 'dark'] as const)('fits a telephone, in %s', async (colorScheme) => {
      const { page } = await browser.open(resolveLink, { ...PHONE, colorScheme });
      await page.getByRole('heading', { name: 'Resolve this incident?' }).waitFor();
      expect(await sidewaysPixels(page)).toBeLessThanOrEqual(0);
      expect(await barriers(page)).toEqual([]);
      await page.goto(`${product.apiUrl}/answer/none`);
      expect(await barriers(page)).toEqual([]);
    });
  });

  describe('the api’s description', () => {
    test('is drawn without an error and without asking another host', async () => {
      const { page, errors, foreign } = await browser.open(product.apiUrl);
      expect(page.url()).toBe(`${product.apiUrl}/docs`);
      await page.getByRole('heading', { name: /PD Lite/ }).waitFor();
      await page.getByText('/v2/enqueue', { exact: true }).click();
      await page.getByText('"routing_key"').first().waitFor();
      expect([errors, foreign]).toEqual([[], []]);
    });

    test('fits a telephone', async () => {
      const { page } = await browser.open(`${product.apiUrl}/docs`, PHONE);
      await page.getByText('/v2/enqueue', { exact: true }).waitFor();
      expect(await sidewaysPixels(page)).toBeLessThanOrEqual(0);
    });
  });

  describe('Temporal UI', () => {
    test('opens an incident’s workflow by its link, and finds it by its attributes', async () => {
      const incident = await product.incident('link');
      const { page } = await browser.open(String(at(incident, 'temporal_ui_url')));
      const workflow = new RegExp(`^incident/.*/${product.person('cyd').serviceId}/`);
      await page.getByRole('button', { name: 'Copy incident/' }).getByText(workflow).waitFor();
      await page.getByText('Running').first().waitFor();
      const query = `PdliteIncident="${String(at(incident, 'id'))}" AND PdliteStatus="acknowledged"`;
      const list = new URL(`/namespaces/${product.namespace}/workflows`, product.temporalUiUrl);
      list.searchParams.set('query', query);
      const found = await browser.open(list.href);
      const rows = found.page.getByRole('link', { name: /^incident\// });
      await rows.first().waitFor();
      expect(await rows.allInnerTexts()).toEqual([expect.stringMatching(workflow)]);
    });
  });
});
