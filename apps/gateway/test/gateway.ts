import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { InjectOptions } from 'fastify';
import { defaultTenant } from '#contracts/envelope.js';
import type { KeyScope, VerifiedKey } from '#contracts/key.js';
import { hashSecret, keyIdentity, newHouseholdKey, newPlatformKey } from '#contracts/secrets.js';
import { logger } from '#service/logger.js';
import { type GatewayConfig, gatewayEnv } from '../src/config.js';
import { VerifiedKeys } from '../src/key-cache.js';
import { createGateway } from '../src/create-gateway.js';
import { FakeBus } from './fake-bus.js';

logger.level = 'silent';

export const adminKey = newHouseholdKey();
export const otherAdminKey = newHouseholdKey();
export const readKey = newHouseholdKey();
export const expiredKey = newHouseholdKey();
export const revokedKey = newHouseholdKey();
/** From before household keys were live only. */
export const testAdminKey = newHouseholdKey();
export const platformReader = newPlatformKey('live');
export const platformAdmin = newPlatformKey('live');

function verified(key: string, scopes: KeyScope[], dates: Partial<VerifiedKey> = {}): VerifiedKey {
  const { id, key_prefix } = keyIdentity(key);
  const kind = key.startsWith('bb_') ? 'household' : 'platform';
  const terms = {
    name: 'a key',
    actor_name: null,
    allowed_ips: [],
    expires_at: null,
    retires_at: null,
    revoked_at: null,
  };
  return { id, key_prefix, kind, scopes, ...defaultTenant, ...terms, ...dates };
}

const past = '2020-01-01T00:00:00.000Z';

const known = new Map(
  [
    [adminKey, verified(adminKey, ['full_access'])] as const,
    [otherAdminKey, verified(otherAdminKey, ['full_access'])] as const,
    [readKey, verified(readKey, ['read_only'])] as const,
    [expiredKey, verified(expiredKey, ['full_access'], { expires_at: past })] as const,
    [revokedKey, verified(revokedKey, ['full_access'], { revoked_at: past })] as const,
    [testAdminKey, verified(testAdminKey, ['full_access'], { environment: 'test' })] as const,
    [platformReader, verified(platformReader, ['connections:read'])] as const,
    [platformAdmin, verified(platformAdmin, ['connections:read', 'keys:write'])] as const,
  ].map(([key, value]) => [hashSecret(key), value]),
);

/** A platform key with these scopes. */
export function keyWith(scopes: KeyScope[]): string {
  const key = newPlatformKey('live');
  known.set(hashSecret(key), verified(key, scopes));
  return key;
}

/** A gateway in this process, before services that are functions of the test. */
export interface TestGateway {
  app: NestFastifyApplication;
  bus: FakeBus;
  /** As the full_access key, when the request says nothing else. */
  call(request: InjectOptions & { body?: unknown }): Promise<Answer>;
}

export interface Answer {
  status: number;
  headers: Record<string, string | undefined>;
  text: string;
  json: any; // eslint-disable-line @typescript-eslint/no-explicit-any -- a test looks at whatever came
}

/** Tests ask faster than any caller should; those that are about the limits set their own. */
const noLimits = { API_RATE_LIMIT_RPM: '1e8', API_RATE_LIMIT_BURST: '1e8', AUTH_FAIL_LIMIT_RPM: '1e8' };

export async function startGateway(env: Partial<Record<keyof GatewayConfig, string>> = {}): Promise<TestGateway> {
  const bus = new FakeBus({ 'key.verify': ({ key_hashes }) => key_hashes.map((hash) => known.get(hash) ?? null) });
  const app = await createGateway(bus, gatewayEnv.parse({ PORT: '8080', ...noLimits, ...env }));
  await app.getHttpAdapter().getInstance().ready();
  app.get(VerifiedKeys).start();
  return { app, bus, call: (request) => call(app, request) };
}

async function call(app: NestFastifyApplication, request: InjectOptions): Promise<Answer> {
  const headers = { 'x-api-key': adminKey, ...request.headers };
  const answer = await app.inject({ ...request, headers });
  const isJson = /json/.test(String(answer.headers['content-type']));
  return {
    status: answer.statusCode,
    headers: answer.headers as Answer['headers'],
    text: answer.payload,
    json: isJson && answer.payload ? answer.json<unknown>() : undefined,
  };
}
