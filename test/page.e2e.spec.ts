import { createPrivateKey } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import type { Browser, Page, Request } from 'playwright-core';
import { type Api, newCaller, newUser, until } from '#testing/api.js';
import { sharedStack } from '#testing/stack.js';
import { HandOffCodes } from '../apps/gateway/src/pages/hand-off-code.js';
import { describeInBrowser, launchBrowser, newPerson, signInAtBank } from './browser.js';
import { pressByKeyboard, signInByKeyboard } from './keyboard.js';

// Several people, a bank and two links each: on a busy machine that takes its time.
jest.setTimeout(240_000);
const stack = sharedStack();
let browser: Browser;
let api: Api;
let userId: string;

beforeAll(async () => {
  browser = await launchBrowser();
  ({ api } = await newCaller(stack.run()));
  userId = await newUser(api);
});
afterAll(() => browser.close());

async function newPatientPerson() {
  const person = await newPerson(browser);
  person.page.setDefaultTimeout(60_000);
  return person;
}

interface Minted {
  id: string;
  token: string;
  url: string;
}
async function mint(body: object = {}): Promise<Minted> {
  const minted: { body: Minted } = await api.post('/api/v1/connections/link', { user_id: userId, ...body });
  return minted.body;
}

/** Everything that a page, its storage or its requests show; the opening of the link itself does not count. */
function watch(page: Page, opened: string): () => Promise<string> {
  const seen: string[] = [];
  page.on('console', (message) => seen.push(message.text()));
  page.on('framenavigated', (frame) => frame.url() !== opened && seen.push(frame.url()));
  page.on('request', (request) => {
    if (request.url() !== opened) seen.push(request.url(), request.postData() ?? '');
    seen.push(refererOf(request));
  });
  const stored = 'JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, history.state, name])';
  return async () => {
    seen.push(page.url(), await page.content(), await page.evaluate<string>(stored));
    return seen.join('\n');
  };
}

const refererOf = (request: Request): string => request.headers()['referer'] ?? '';

const logs = (): string => {
  const folder = join(stack.dataDir, 'logs');
  return readdirSync(folder)
    .map((file) => readFileSync(join(folder, file), 'utf8'))
    .join('\n');
};

describeInBrowser('a person with nothing but a keyboard', () => {
  it('connects a bank and reconnects it; the token is nowhere, and the policy has nothing to say', async () => {
    const { id, token, url } = await mint({ provider: 'plaid', single_use: true, label: 'Holiday fund' });
    const { page, complaints } = await newPatientPerson();
    const seen = watch(page, url);
    await page.goto(url);
    expect(await seen()).not.toContain(token);
    await pressByKeyboard(page, 'Connect with Plaid');
    await signInByKeyboard(page);
    await page.getByRole('heading', { name: 'All set' }).waitFor();
    expect(await seen()).not.toContain(token);
    const { body } = await until(
      () => api.get(`/api/v1/connections/link/${id}`),
      (s) => s.body.status === 'completed',
    );
    const [connection] = body.result_connection_ids as [string];

    const another = await newPatientPerson();
    await another.page.goto(url);
    await another.page.getByRole('heading', { name: 'This link has already been used' }).waitFor();
    const refusals = () => api.get(`/api/v1/audit?subject=${id}&type=UseRefused`);
    await until(refusals, (timeline) => timeline.body.entries.length === 1);
    await another.page.context().close();

    const { body: relink } = await api.post(`/api/v1/connections/${connection}/relink`);
    const seenThen = watch(page, relink.url as string);
    await page.goto(relink.url as string);
    await page.getByText('Reconnect Tartan Bank').waitFor();
    await pressByKeyboard(page, 'Reconnect');
    await signInByKeyboard(page);
    await page.getByText('The connection to Tartan Bank was working already.').waitFor();
    expect(await seenThen()).not.toContain(relink.token);
    expect(complaints).toEqual([]);
    for (const secret of [token, relink.token as string]) expect(logs()).not.toContain(secret);
  });
});

describeInBrowser('a link that is over', () => {
  it('leaves the address bar and says what became of it, also when it is loaded again', async () => {
    const { id, token, url } = await mint();
    expect((await api.delete(`/api/v1/connections/link/${id}`)).status).toBe(204);
    const { page } = await newPatientPerson();
    expect((await page.goto(url))?.status()).toBe(410);
    await page.waitForURL('**/link/over/cancelled');
    expect((await page.reload())?.status()).toBe(410);
    await page.getByText('Whoever sent it has withdrawn it').waitFor();
    expect(await page.content()).not.toContain(token);
  });
});

describeInBrowser('a person with a phone beside the desk', () => {
  it('goes on there, and the page at the desk follows', async () => {
    const { id, token, url } = await mint();
    const key = createPrivateKey(readFileSync(join(stack.dataDir, 'secrets', 'result-signing.pem')));
    const code = HandOffCodes.from(key).seal(token);
    const [{ page: desk }, { page: phone, complaints }] = [await newPatientPerson(), await newPatientPerson()];
    await desk.goto(url);
    await phone.goto(`${stack.url}/link/continue#${code}`);
    await phone.getByRole('heading', { name: 'Connect your bank' }).waitFor();
    await desk.getByText('Your phone has this link now.').waitFor();
    await phone.getByRole('button', { name: 'Connect with Teller' }).click();
    await desk.getByText('A bank is being connected.').waitFor();
    await signInAtBank(phone);
    await desk.getByRole('heading', { name: 'Your bank is connected' }).waitFor();
    await desk.getByRole('button', { name: "I'm done" }).click();
    await phone.getByText('go on at your other device').waitFor();

    const again = await newPatientPerson();
    await again.page.goto(`${stack.url}/link/continue#${code}`);
    await again.page.getByRole('alert').getByText('This code no longer works.').waitFor();
    const timeline = await api.get(`/api/v1/connections/link/${id}/timeline`);
    const types = (timeline.body.entries as { type: string }[]).map((entry) => entry.type);
    for (const once of ['SessionHandedOver', 'UseRefused'])
      expect(types.filter((type) => type === once)).toHaveLength(1);
    // The phone may look once more just when the desk has brought the link to its end.
    expect(complaints.filter((complaint) => !complaint.includes('410 (Gone)'))).toEqual([]);
    expect(logs()).not.toContain(code);
  });
});
