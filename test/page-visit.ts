import type { Answer } from '#testing/api.js';
import type { SharedStack } from '#testing/stack.js';
import type { Held } from './together.js';
import { type Allowed, linkAtSandboxBank } from './sandbox-person.js';

export type Action = 'activate' | 'start' | 'finish' | 'refuse' | 'done' | 'give-up';

/** What `start` answers. */
export interface Started {
  attempt_id: string;
  kind: 'plaid' | 'teller';
  link_token?: string;
  application_id?: string;
  enrollment_id?: string;
}

export type PageVisit = ReturnType<typeof visitOf>;

/** Opens a link as a browser does: the token goes into a cookie, and the page's own endpoints take it from there. */
export async function openLink(url: string): Promise<PageVisit> {
  const { origin } = new URL(url);
  const entered = await send(url);
  const [cookie] = (entered.headers.get('set-cookie') ?? '').split(';');
  if (entered.status !== 303 || !cookie) throw new PageRefusal(entered);
  return visitOf(origin + entered.headers.get('location')!, cookie, entered);
}

/** The page did not open; `answer` is what it said. */
export class PageRefusal extends Error {
  constructor(readonly answer: Answer) {
    super(`the page answered ${answer.status}`);
  }
}

function visitOf(base: string, cookie: string, opened: Answer) {
  const headers = { cookie, 'x-latchkey-page': '1', 'content-type': 'application/json' };
  const post = (action: Action, body: object | string = {}): Promise<Answer> =>
    send(`${base}/${action}`, {
      method: 'POST',
      headers,
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  return {
    base,
    cookie,
    opened,
    post,
    /** The same request, for a race. */
    held: (action: Action, body: object): Held => ({ method: 'POST', url: `${base}/${action}`, headers, body }),
    state: () => send(`${base}/state`, { headers: { cookie } }),
  };
}

async function send(url: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(30_000), ...init });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: parsed(text), text };
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

export const bankUrlOf = (stack: SharedStack): string => stack.run().parts['sandbox-bank']!.url!;

/** What the provider's script hands to the page; Teller's login exists at the bank from here on. */
export interface Grant {
  token: string;
  enrollmentId?: string;
}

/** Signs in and allows for an attempt that was started. */
export async function allow(bankUrl: string, started: Started): Promise<Grant> {
  const { kind: provider, link_token: token, application_id, enrollment_id } = started;
  const opening = provider === 'plaid' ? { token } : { application_id, enrollment_id };
  const institution_id = provider === 'plaid' ? 'ins_109508' : 'first_platypus_bank';
  const allowed: Allowed = await linkAtSandboxBank(bankUrl, { provider, institution_id, ...opening });
  if (provider === 'plaid') return { token: allowed.public_token };
  return { token: allowed.accessToken, enrollmentId: allowed.enrollment.id };
}
