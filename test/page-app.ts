import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK } from 'jose';
import { DomainError } from '#contracts/errors.js';
import { shortIdOf } from '#contracts/ids.js';
import type { ProviderName, SessionPage, SessionView } from '#contracts/link-session.js';
import { hashSecret, newToken } from '#contracts/secrets.js';
import type { Ask, Subject } from '#contracts/subjects.js';
import { logger } from '#service/logger.js';
import { gatewayEnv } from '../apps/gateway/src/config.js';
import { createGateway } from '../apps/gateway/src/create-gateway.js';
import { FakeBus } from '../apps/gateway/test/fake-bus.js';
import { sessionView } from '../apps/gateway/test/views.js';

logger.level = 'silent';

/** The fake bus of the gateway's tests, which also tells what it was asked last. */
export class PageBus extends FakeBus {
  lastAsked<S extends Subject>(subject: S): Ask<S> {
    return this.asked.findLast((each) => each.subject === subject)!.ask as Ask<S>;
  }
}

type Answers = FakeBus['answers'];

const seen = new WeakMap<SessionPage, string>();

/** A page whose position goes on whenever a test has changed something of it. */
function positioned(page: SessionPage): SessionPage {
  const { position, ...all } = page;
  const now = JSON.stringify(all);
  if (seen.get(page) !== now) page.position = String(BigInt(position) + 1n);
  seen.set(page, now);
  return page;
}

/** The whole gateway over a fake bus. */
export async function startPages(bus: FakeBus, env: Record<string, string> = {}): Promise<NestFastifyApplication> {
  const app = await createGateway(bus, gatewayEnv.parse({ PORT: '8080', ...env }));
  await app.getHttpAdapter().getInstance().ready();
  return app;
}

export interface Link {
  token: string;
  sid: string;
  page: SessionPage;
}

/** A link whose session looks as `session` says. */
export function newLink(session: Partial<SessionView> = {}, page: Partial<SessionPage> = {}): Link {
  const token = newToken();
  const sid = shortIdOf(hashSecret(token));
  const expires_at = new Date(Date.now() + 14 * 60_000).toISOString();
  const created_at = new Date().toISOString();
  const whole: SessionView = { ...sessionView, short_id: sid, expires_at, created_at, ...session };
  const facts = { project_name: null, outcome: null, hand_overs: 0, is_trying: false, position: '1' };
  const rest = { ...facts, providers: ['plaid', 'teller'] satisfies ProviderName[], institution_name: null, ...page };
  return { token, sid, page: { session: whole, ...rest } };
}

/** Answers for the links given, as the services would give them; unknown hashes are INVALID_TOKEN. */
export function answersFor(...links: Link[]): Answers {
  const find = ({ token_hash }: { token_hash: string }): SessionPage => {
    const link = links.find(({ token }) => hashSecret(token) === token_hash);
    if (!link) throw new DomainError('INVALID_TOKEN');
    return positioned(link.page);
  };
  const change = (ask: { token_hash: string }, changes: Partial<SessionView>): SessionView =>
    Object.assign(find(ask).session, changes);
  return {
    'link-session.page': find,
    'link-session.page.next': async ({ after, wait_ms, ...ask }) => {
      const patientUntil = Date.now() + wait_ms;
      while (find(ask).position === after && Date.now() < patientUntil) await wait(20, undefined, { ref: false });
      return find(ask).position === after ? null : find(ask);
    },
    'link-session.hand-over': (ask) => {
      find(ask).hand_overs += 1;
      return find(ask).session;
    },
    // As the service does: a page that is slow to say it was opened revives nothing.
    'link-session.activate': (ask) => {
      const { status } = find(ask).session;
      if (status === 'expired') throw new DomainError('EXPIRED');
      if (status === 'completed') throw new DomainError('CONSUMED');
      return change(ask, { status: 'active' });
    },
    'link-session.finish': (ask) => change(ask, { status: 'completed' }),
    'link-session.give-up': (ask) => change(ask, { status: 'failed', error_code: 'GIVEN_UP' }),
    'link-session.refuse': (ask) => change(ask, { last_refusal: { code: ask.code, message: ask.message } }),
  };
}

export interface VaultKey {
  jwk: JWK;
  privateKey: CryptoKey;
}

/** A vault's key pair: the gateway seals with the one half, a test opens with the other. */
export async function newVaultKey(): Promise<VaultKey> {
  const { publicKey, privateKey } = await generateKeyPair('ECDH-ES', { crv: 'X25519', extractable: true });
  return { jwk: { ...(await exportJWK(publicKey)), kid: 'vault-1' }, privateKey };
}

export const cookieOf = ({ sid, token }: Link): string => `lk_${sid}=${token}`;

/** Serves `script` on an origin of its own, as a provider does. */
export async function serveScript(script: string): Promise<{ url: string; server: Server }> {
  const server = createServer((_, response) =>
    response.writeHead(200, { 'content-type': 'text/javascript' }).end(script),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/link.js`, server };
}
