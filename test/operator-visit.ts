import { expect } from '@jest/globals';

/** Somebody at the dashboard, without a browser: keeps cookies and sends the forms that its pages hold. */
export class OperatorVisit {
  readonly cookies = new Map<string, string>();

  constructor(readonly base: string) {}

  async open(path: string): Promise<string> {
    return (await this.ask(path)).text();
  }

  /** Sends a form as a page would: with the token and whatever else that page has in hidden fields. */
  async send(page: string, fields: Record<string, string>, action = page): Promise<{ status: number; text: string }> {
    const hidden = (await this.open(page)).matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g);
    const ofPage = Object.fromEntries([...hidden].map(([, name, value]) => [name!, value!]));
    const answer = await this.ask(action, {
      method: 'POST',
      headers: { origin: this.base },
      body: new URLSearchParams({ ...ofPage, ...fields }),
    });
    return { status: answer.status, text: await answer.text() };
  }

  private async ask(path: string, init: RequestInit = {}): Promise<Response> {
    const cookie = [...this.cookies].map((pair) => pair.join('=')).join('; ');
    const answer = await fetch(this.base + path, {
      ...init,
      headers: { ...init.headers, cookie },
      redirect: 'manual',
    });
    for (const one of answer.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(one)!;
      this.cookies.set(name!, value!);
    }
    return answer;
  }
}

interface Wishes {
  base: string;
  setupCode: string;
  /** Takes note of a secret, and makes one where none is given. */
  secret: (name: string, value?: string) => string;
  /** Of people who are no secret. */
  email: (name: string) => string;
}

/**
 * All that operators do with what only they may know: the set-up, sign-ins that are right, wrong and in the wrong field,
 * an invitation, a new password. The answers that show none of it.
 */
export async function workAsOperators({ base, setupCode, secret, email }: Wishes): Promise<string[]> {
  const [ada, bob] = [email('ada'), email('bob')];
  const first = new OperatorVisit(base);
  secret('set-up code', setupCode);
  secret('set-up code without hyphens', setupCode.replaceAll('-', ''));
  const password = secret('password of the administrator');
  const setUp = await first.send('/admin/setup', { code: setupCode, email: ada, password });
  expect(setUp.status).toBe(303);
  secret('cookie of the first session', first.cookies.get('lk_admin'));
  const again = await first.send('/admin/sign-in', { code: setupCode, email: ada, password }, '/admin/setup');
  expect(again.status).toBe(410);

  const wrong = await first.send('/admin/sign-in', { email: ada, password: secret('wrong password') });
  // People type passwords into the wrong field; the form gives back what was typed there, and nobody else may have it.
  const misplaced = await first.send('/admin/sign-in', { email: secret('misplaced password'), password });
  expect([wrong.status, misplaced.status]).toEqual([401, 400]);
  const right = await first.send('/admin/sign-in', { email: ada, password });
  expect(right.status).toBe(303);
  secret('cookie of the second session', first.cookies.get('lk_admin'));

  const invited = await first.send('/admin/settings/operators', { email: bob, role: 'viewer' });
  const link = secret('invitation', /\/admin\/welcome\/([\w-]{43})/.exec(invited.text)![1]);
  const second = new OperatorVisit(base);
  await second.open(`/admin/welcome/${link}`);
  const chosen = secret('password of the viewer');
  expect((await second.send('/admin/welcome', { password: chosen })).status).toBe(303);
  secret('cookie of the viewer', second.cookies.get('lk_admin'));
  const used = await new OperatorVisit(base).open(`/admin/welcome/${link}`);
  const next = secret('next password of the viewer');
  const changed = await second.send('/admin/account', { current: chosen, password: next }, '/admin/account/password');
  expect(changed.status).toBe(303);
  const timeline = await first.open('/admin/timeline');
  expect(timeline).toContain(bob);
  return [again.text, wrong.text, used, timeline];
}
