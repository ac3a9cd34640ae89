import { createHmac, createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type FastifyInstance, type FastifyRequest } from 'fastify';

/** As of everybody at this bank. */
const SECRET = 'pass_good';
/** Longer than any caller waits. */
const SLOW_MS = 8_000;
const MINUTE_MS = 60_000;

/**
 * One read for credentials that sign their requests: HMAC-SHA256 as Foxbit has it, with the secret `pass_good`, and ES256
 * tokens as Coinbase has them, with the key that GET /sandbox/jwt-key gives out. Who asks decides what goes wrong: the
 * access key or key name `user_slow`, `user_redirect`, `user_echo` or `user_down`.
 */
export function signedReads(app: FastifyInstance): void {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  app.get('/sandbox/jwt-key', () => ({ private_key: pem }));
  app.get('/sandbox/validate', async (request, reply) => {
    const { caller, genuine } = request.headers.authorization ? byToken(request, pem) : byHmac(request);
    if (caller === 'user_slow') await delay(SLOW_MS, undefined, { ref: false });
    if (caller === 'user_redirect') return reply.redirect('/sandbox/ledger', 302);
    if (caller === 'user_echo') return reply.status(401).send({ error: 'refused', headers: request.headers });
    if (caller === 'user_down') return reply.status(500).send({ error: 'down' });
    if (!genuine) return reply.status(401).send({ error: 'The signature does not fit.' });
    return { ok: true };
  });
}

interface Asked {
  caller: string;
  genuine: boolean;
}

const header = ({ headers }: FastifyRequest, name: string): string => String(headers[name] ?? '');

function byHmac(request: FastifyRequest): Asked {
  const timestamp = header(request, 'x-fb-access-timestamp');
  const [path, query = ''] = request.url.split('?');
  const text = `${timestamp}${request.method}${path}${query}`;
  const expected = createHmac('sha256', SECRET).update(text).digest('hex');
  const fresh = Math.abs(Date.now() - Number(timestamp)) < MINUTE_MS;
  const genuine = fresh && header(request, 'x-fb-access-signature') === expected;
  return { caller: header(request, 'x-fb-access-key'), genuine };
}

function byToken(request: FastifyRequest, pem: string): Asked {
  const [head = '', payload = '', signature = ''] = header(request, 'authorization')
    .replace(/^Bearer /, '')
    .split('.');
  const { kid, alg } = parsed(head);
  const { uri, exp } = parsed(payload);
  const key = { key: createPublicKey(pem), dsaEncoding: 'ieee-p1363' as const };
  const signed = verify('sha256', Buffer.from(`${head}.${payload}`), key, Buffer.from(signature, 'base64url'));
  const fits = uri === `${request.method} ${request.host}${request.url}` && Number(exp) * 1000 > Date.now();
  return { caller: String(kid), genuine: alg === 'ES256' && signed && fits };
}

function parsed(segment: string): Record<string, unknown> {
  try {
    return JSON.parse(Buffer.from(segment, 'base64url').toString()) as Record<string, unknown>;
  } catch {
    return {};
  }
}
