import { DomainError } from '#contracts/errors.js';
import type { PageBench } from './page-bench.js';
import { type Link, newLink } from './page-app.js';

interface State {
  link: () => Link;
  path?: string;
  /** Whether the services cannot be asked. */
  isAway?: boolean;
  act?: (bench: PageBench) => Promise<unknown>;
  /** Whether there are pictures at a phone, too. */
  isForPhones?: boolean;
}

const active = { status: 'active', started_at: new Date().toISOString() } as const;
const refusal = (code: string) => ({ ...active, last_refusal: { code, message: code } });
const relink = { action: 'relink', provider: 'plaid', single_use: true } as const;
const atBank = { institution_name: 'First Platypus Bank' };
const longLabel = 'Household budget 2026: '.repeat(4) + 'https://example.org/' + 'x'.repeat(60);
const longName = `The household of ${'Lovelace'.repeat(7)}`;
const failed = (error_code: string) => newLink({ status: 'failed', error_code });

/** Every state of the hosted page. */
export const states: Record<string, State> = {
  'the picker': { link: () => newLink({ label: 'Household budget' }), isForPhones: true },
  'one provider': { link: () => newLink({ provider: 'plaid', label: longLabel }), isForPhones: true },
  'a project with a long name': { link: () => newLink({}, { project_name: longName }) },
  'no provider': { link: () => newLink({}, { providers: [] }) },
  relink: { link: () => newLink(relink, atBank), isForPhones: true },
  'the give-up dialog': {
    link: () => newLink(),
    act: ({ button }) => button("I don't want to do this").click(),
    isForPhones: true,
  },
  'the hand-off dialog': {
    link: () => newLink({ label: 'Household budget' }),
    act: async ({ button, page }) => {
      await page.setViewportSize({ width: 1000, height: 800 });
      await button('Continue on your phone').click();
      await page.locator('dialog path[d^=M]').waitFor();
    },
  },
  'a link that a phone has taken over': { link: () => newLink(active, { hand_overs: 1 }) },
  'a code that was brought too late': {
    link: () => newLink(),
    path: '/link/continue#nonsense',
    act: ({ page }) => page.getByRole('alert').getByText('This code no longer works.').waitFor(),
  },
  'after a refusal': { link: () => newLink(refusal('ITEM_LOCKED')), path: '?tried=plaid', isForPhones: true },
  'after a different account': { link: () => newLink({ ...relink, ...refusal('different_account') }, atBank) },
  'after the first bank': { link: () => newLink({ ...active, result_connection_ids: ['c1'] }), isForPhones: true },
  'choosing another bank': { link: () => newLink({ ...active, result_connection_ids: ['c1'] }), path: '?pick=1' },
  'opening a provider': {
    link: () => newLink(),
    path: '/with/plaid',
    act: ({ page }) => page.getByText('The dialog of the provider').waitFor(),
  },
  'a provider that does not open': {
    link: () => newLink(),
    path: '/with/teller',
    act: ({ button }) => button('Try again').waitFor(),
  },
  progress: { link: () => newLink({ status: 'consumed', single_use: true }), isForPhones: true },
  'all set': { link: () => newLink({ status: 'completed', result_connection_ids: ['c1', 'c2'] }), isForPhones: true },
  'all set after a repair': {
    link: () => newLink({ ...relink, status: 'completed' }, { ...atBank, outcome: 'repaired' }),
  },
  'all set after a relink without need': {
    link: () => newLink({ ...relink, status: 'completed' }, { ...atBank, outcome: 'already_healthy' }),
  },
  'a link that has expired': { link: () => newLink({ status: 'expired' }), isForPhones: true },
  'a link that has expired after the first bank': {
    link: () => newLink({ status: 'expired', result_connection_ids: ['c1'] }),
  },
  'a link that was given up': { link: () => failed('GIVEN_UP') },
  'a link that was withdrawn': { link: () => failed('CANCELLED') },
  'a link that was refused too often': { link: () => failed('TOO_MANY_ATTEMPTS') },
  'a link for what is no longer there': { link: () => failed('CONNECTION_DISCONNECTED') },
  'a link that has been used': { link: () => newLink(), path: '/link/over/used' },
  'a link that nobody knows': { link: () => newLink(), path: `/link/${newLink().token}` },
  'a part that is away': { link: () => newLink(), isAway: true },
};

export async function show(bench: PageBench, { link, path = '', isAway, act }: State): Promise<void> {
  const shown = link();
  bench.letAttempt(shown, () => ({}));
  if (path === '/with/teller') {
    bench.bus.answers['connection.link.start'] = () => {
      throw new DomainError('UNAVAILABLE');
    };
  }
  if (isAway) delete bench.bus.answers['link-session.page'];
  await bench.admit(shown);
  await bench.page.goto(bench.base + (path.startsWith('/link/') ? path : `/link/s/${shown.sid}${path}`));
  await act?.(bench);
}
