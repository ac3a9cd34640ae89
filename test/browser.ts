import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, expect } from '@jest/globals';
import { type Browser, chromium, type Page } from 'playwright-core';
import { browserPath as executablePath } from '#testing/browser.js';

const FLAGS =
  '--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync';

/** CI has to have one: there, a missing browser is a failure. */
const isSkipped = !existsSync(executablePath) && process.env['CI'] !== 'true';

if (isSkipped) {
  const file = basename(expect.getState().testPath ?? '');
  process.stderr.write(
    `SKIPPED WITHOUT A BROWSER: ${file}. There is no ${executablePath}; CHROMIUM_PATH names another.\n`,
  );
}

/** What needs a browser: skipped, and said to be, where there is none. */
export const describeInBrowser = isSkipped ? describe.skip : describe;

export const launchBrowser = (): Promise<Browser> => chromium.launch({ executablePath, args: FLAGS.split(' ') });

/** A new person at a phone; what the browser complains about is collected. */
export async function newPerson(browser: Browser): Promise<{ page: Page; complaints: string[] }> {
  const context = await browser.newContext({ viewport: { width: 390, height: 780 }, locale: 'en-US' });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const complaints: string[] = [];
  page.on('console', (message) => void (message.type() === 'error' && complaints.push(message.text())));
  page.on('pageerror', (error) => complaints.push(error.message));
  return { page, complaints };
}

/** Signs in at the sandbox bank and allows, in the dialog that stands over the page. */
export async function signInAtBank(
  page: Page,
  { username = 'user_good', bank = 'First Platypus Bank' } = {},
): Promise<void> {
  const dialog = page.frameLocator('iframe');
  const institution = dialog.getByRole('button', { name: bank });
  const user = dialog.getByRole('textbox', { name: 'Username' });
  await institution.or(user).first().waitFor();
  if (await institution.isVisible()) await institution.click();
  await user.fill(username);
  await dialog.getByLabel('Password').fill('pass_good');
  await dialog.getByRole('button', { name: 'Sign in' }).click();
  await dialog.getByRole('button', { name: 'Allow' }).click();
}
