import { existsSync } from 'node:fs';
import path from 'node:path';

import { AxeBuilder } from '@axe-core/playwright';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';

import { inheritedEnvironment } from '../../platform/config.ts';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const RULES = ['wcag2a', 'wcag2aa', 'wcag21aa', 'best-practice'];

/** Path of the Chromium on this machine, or undefined: then the tests that need one are skipped, which is said. */
export const browserPath = findBrowser();

function findBrowser(): string | undefined {
  const folders = (inheritedEnvironment()['PATH'] ?? '').split(path.delimiter);
  const found = folders
    .flatMap((folder) => NAMES.map((name) => path.join(folder, name)))
    .find(existsSync);
  if (found === undefined) {
    console.warn(
      'No Chromium on PATH: tests in a browser are skipped (Debian: apt-get install chromium).',
    );
  }
  return found;
}

/** A page of a browser, and all that went wrong in it. */
export interface Tab {
  readonly page: Page;
  /** Errors of scripts, and of the console. */
  readonly errors: readonly string[];
  /** Requests to another place than the one that was opened first. */
  readonly foreign: readonly string[];
}

/** A browser without head that asks nobody for anything on its own. */
export class TestBrowser {
  readonly #browser: Browser;

  private constructor(browser: Browser) {
    this.#browser = browser;
  }

  static async launch(): Promise<TestBrowser> {
    const quiet = ['--disable-background-networking', '--disable-component-update', '--no-pings'];
    const options = { executablePath: browserPath ?? '', args: ['--no-sandbox', ...quiet] };
    return new TestBrowser(await chromium.launch(options));
  }

  close(): Promise<void> {
    return this.#browser.close();
  }

  /** Closes all windows. */
  async closeTabs(): Promise<void> {
    await Promise.all(this.#browser.contexts().map((context) => context.close()));
  }

  /** Opens an address in a new window of its own; nothing waits longer than 30 s. */
  async open(url: string, options: BrowserContextOptions = {}): Promise<Tab> {
    const context = await this.#browser.newContext(options);
    context.setDefaultTimeout(30_000);
    const page = await context.newPage();
    const errors: string[] = [];
    const foreign: string[] = [];
    page.on('pageerror', (error) => errors.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') errors.push(message.text());
    });
    page.on('request', (request) => {
      const asked = new URL(request.url());
      if (asked.protocol !== 'data:' && asked.host !== new URL(url).host) foreign.push(asked.href);
    });
    await page.goto(url);
    return { page, errors, foreign };
  }
}

/** A telephone's screen. */
export const PHONE = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true };

/** What keeps people out, by the rules of WCAG 2.1 AA; empty when nothing does. */
export async function barriers(page: Page): Promise<readonly unknown[]> {
  const { violations } = await new AxeBuilder({ page }).setLegacyMode().withTags(RULES).analyze();
  return violations.map(({ id, nodes }) => [id, nodes.map((node) => node.html)]);
}

/** Pixels by which the page is wider than its window. */
export function sidewaysPixels(page: Page): Promise<number> {
  return page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
}

const FOCUSED = `((element) => element.ariaLabel ?? element.textContent)(document.activeElement)`;

/** Walks by the tabulator key until the element of this name has the focus, as somebody without a mouse does. */
export async function tabTo(page: Page, name: string): Promise<void> {
  for (let step = 0; step < 60; step += 1) {
    await page.keyboard.press('Tab');
    if ((await page.evaluate<string>(FOCUSED)) === name) return;
  }
  throw new Error(`The tabulator key does not reach ${name}.`);
}
