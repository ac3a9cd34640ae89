// Takes the README's picture of the dashboard anew (`npm run pictures` makes the one of the hosted page), on a stack that was started on an empty data folder:
//   DATA_DIR=/tmp/pictures PORT=18080 npm start, and beside it: DATA_DIR=/tmp/pictures node scripts/make-pictures.mjs
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const { url, setup_code } = JSON.parse(readFileSync(join(process.env.DATA_DIR ?? '.data', 'run.json'), 'utf8'));
if (!setup_code) throw new Error('The dashboard has an administrator already: start on an empty data folder.');
const executablePath = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
const context = await browser.newContext({ locale: 'en-US', viewport: { width: 1120, height: 620 } });
const page = await context.newPage();
const button = (name) => page.getByRole('button', { name, exact: true });

await page.goto(`${url}/admin/setup`);
await page.getByLabel('Set-up code').fill(setup_code);
await page.getByLabel('Email').fill('ada@example.com');
await page.getByLabel('Password').fill('only for this picture');
await button('Create administrator').click();

let link;
for (const [name, label] of [
  ['Grace Hopper', 'Household budget'],
  ['Alan Turing', 'Savings'],
  ['Ada Lovelace', 'Rent and bills'],
]) {
  await page.goto(`${url}/admin/sessions`);
  await button('New link').click();
  const user = page.locator('#user_id');
  if (await user.count()) await user.selectOption('');
  await page.getByLabel('Name of the new user').fill(name);
  await page.locator('#label').fill(label);
  await button('Create link').click();
  link = await page.getByRole('textbox', { name: 'Link' }).inputValue();
}
await page.goto(`${url}/admin/sessions`);

const person = await (await browser.newContext()).newPage();
await person.goto(link);
await page.getByText('In progress').last().waitFor();
await page.getByRole('row', { name: 'Ada Lovelace' }).getByText('In progress').waitFor();
await page.screenshot({ path: 'docs/images/dashboard.png' });
await browser.close();
