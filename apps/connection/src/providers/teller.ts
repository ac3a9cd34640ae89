import { readFileSync } from 'node:fs';
import * as http from 'node:http';
import * as https from 'node:https';
import { createSecureContext, type SecureContext } from 'node:tls';
import { fromSetting } from '#service/settings-error.js';
import {
  accountsFingerprint,
  CALL_DEADLINE_MS,
  type Check,
  type Exchanged,
  type Provider,
  ProviderError,
} from './provider.js';

export interface TellerConfig {
  /** https://api.teller.io, or the sandbox bank. */
  baseUrl: string;
  applicationId: string;
  environment: string;
  /** https://cdn.teller.io/connect/connect.js, or the sandbox bank's. */
  scriptUrl: string;
  /** Client certificate and key, PEM files. The real API demands them outside its sandbox. */
  certFile?: string;
  keyFile?: string;
}

const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

/** Teller over its HTTP API: client certificate, and Basic authentication with the access token as the user name. */
export function tellerProvider(config: TellerConfig): Provider {
  const call = tellerCalls(config);
  return {
    start: (input) =>
      Promise.resolve({
        kind: 'teller',
        script_url: config.scriptUrl,
        application_id: config.applicationId,
        environment: config.environment,
        ...(input.enrollmentId !== undefined && { enrollment_id: input.enrollmentId }),
      }),
    exchange: (accessToken) => exchange(call, accessToken),
    check: (accessToken) => check(call, accessToken),
    remove: async (accessToken) => {
      await call('DELETE', '/accounts', accessToken).catch(unlessGone);
    },
    resetLogin: async (accessToken) => {
      await call('POST', '/sandbox/enrollments/disconnect', accessToken);
    },
  };
}

interface TellerAccount {
  id: string;
  enrollment_id: string;
  institution: { id: string; name: string };
}

async function exchange(call: Call, accessToken: string): Promise<Exchanged> {
  const accounts = await readAccounts(call, accessToken);
  const [first] = accounts;
  if (!first) throw new ProviderError('NO_ACCOUNTS', { retryable: false });
  return {
    accessToken,
    providerItemId: first.enrollment_id,
    institutionId: first.institution.id,
    institutionName: first.institution.name,
    accountsFingerprint: accountsFingerprint(accounts.map(({ id }) => id)),
  };
}

async function check(call: Call, accessToken: string): Promise<Check> {
  try {
    const accounts = await readAccounts(call, accessToken);
    const fingerprint = accountsFingerprint(accounts.map(({ id }) => id));
    return { healthy: true, accountsFingerprint: fingerprint, errorCode: null };
  } catch (error) {
    if (error instanceof TellerRefusal && error.isVerdict) {
      return { healthy: false, accountsFingerprint: null, errorCode: error.code };
    }
    throw error;
  }
}

async function readAccounts(call: Call, accessToken: string): Promise<TellerAccount[]> {
  const accounts = await call('GET', '/accounts', accessToken);
  if (!Array.isArray(accounts)) throw new ProviderError('UNEXPECTED_ANSWER', { retryable: true });
  return accounts as TellerAccount[];
}

class TellerRefusal extends ProviderError {
  constructor(
    readonly status: number,
    error: { code: string; message: string },
  ) {
    super(error.code, { retryable: status >= 500 || status === 429, displayMessage: error.message });
  }

  /** A disconnected enrollment answers 404 (or 410), a revoked token 403: all about the login, not about our request. */
  get isVerdict(): boolean {
    return [403, 404, 410].includes(this.status);
  }
}

function unlessGone(error: unknown): void {
  const gone = error instanceof TellerRefusal && error.isVerdict && !error.code.startsWith('enrollment.');
  if (!gone) throw error;
}

type Call = (method: 'GET' | 'DELETE' | 'POST', path: string, accessToken: string) => Promise<unknown>;

/** One keep-alive agent for all calls; answers the parsed body of a 2xx and throws a ProviderError for everything else. */
function tellerCalls(config: TellerConfig): Call {
  const secure = config.baseUrl.startsWith('https:');
  const agent = secure
    ? new https.Agent({ keepAlive: true, secureContext: secureContext(config) })
    : new http.Agent({ keepAlive: true });
  return async (method, path, accessToken) => {
    const url = new URL(path, config.baseUrl);
    const { status, body } = await send(url, { method, agent, auth: `${accessToken}:` });
    if (status >= 200 && status < 300) return body;
    throw new TellerRefusal(status, refusalOf(status, body));
  };
}

/** Made once, at the start: with files that hold no certificate, each call would end as if Teller did not answer. */
function secureContext({ certFile, keyFile }: TellerConfig): SecureContext {
  const pem = (name: string, file: string | undefined) => file && fromSetting(name, () => readFileSync(file));
  const cert = pem('TELLER_CERT_FILE', certFile);
  const key = pem('TELLER_KEY_FILE', keyFile);
  return fromSetting('TELLER_CERT_FILE and TELLER_KEY_FILE', () => createSecureContext({ cert, key }));
}

/** One request under one deadline, which also covers an answer that trickles in. */
async function send(url: URL, options: http.RequestOptions): Promise<{ status: number; body: unknown }> {
  try {
    const signal = AbortSignal.timeout(CALL_DEADLINE_MS);
    const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
      const request = url.protocol === 'https:' ? https.request : http.request;
      request(url, { ...options, signal }, resolve)
        .on('error', reject)
        .end();
    });
    return { status: response.statusCode ?? 0, body: json(await text(response)) };
  } catch {
    throw new ProviderError('PROVIDER_UNREACHABLE', { retryable: true });
  }
}

async function text(response: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_ANSWER_BYTES) throw new Error('The answer is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function json(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}

function refusalOf(status: number, body: unknown): { code: string; message: string } {
  const error = (body as { error?: { code?: unknown; message?: unknown } } | null)?.error;
  return {
    code: typeof error?.code === 'string' ? error.code : `HTTP_${status}`,
    message: typeof error?.message === 'string' ? error.message : '',
  };
}
