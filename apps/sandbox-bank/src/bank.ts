import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type AddressInfo } from 'node:net';
import fastify, { type FastifyInstance } from 'fastify';
import { ZodError } from 'zod';
import { packageRoot } from '#service/package-root.js';
import { type BankConfig } from './config.js';
import { dialogApi } from './dialog-api.js';
import { Ledger } from './ledger.js';
import { oauthApi } from './oauth.js';
import { findInstitution } from './people.js';
import { plaidApi } from './plaid-api.js';
import { signedReads } from './signed-reads.js';
import { tellerApi } from './teller-api.js';
import { webhooks } from './webhooks.js';

export interface RunningBank {
  port: number;
  url: string;
  close(): Promise<void>;
}

/** Starts the sandbox bank on a loopback port and answers once it listens. */
export async function startBank(config: BankConfig): Promise<RunningBank> {
  const ledger = new Ledger(config.dataFile);
  const sender = webhooks(ledger, config);
  const app = fastify({ bodyLimit: 64 * 1024, forceCloseConnections: true });
  const bank = { ledger, config, webhooks: sender };

  countCalls(app, ledger);
  app.setErrorHandler(async (error, _request, reply) => {
    const status = error instanceof ZodError ? 400 : ((error as { statusCode?: number }).statusCode ?? 500);
    await reply.status(status).send({ error: { code: 'bad_request', message: 'The request could not be read.' } });
  });
  assets(app);
  plaidApi(app, bank);
  tellerApi(app, bank);
  dialogApi(app, bank);
  oauthApi(app, config);
  signedReads(app);

  await app.listen({ port: config.port, host: config.host });
  const { port } = app.server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    sender.close();
    await app.close();
    ledger.close();
  };
  return { port, url: `http://${config.host}:${port}`, close };
}

/** GET /sandbox/ledger is the independent witness: what the bank believes to exist, and how often each call came in. */
function countCalls(app: FastifyInstance, ledger: Ledger): void {
  const calls: Record<string, number> = {};
  app.addHook('onRequest', (request, _reply, done) => {
    const route = `${request.method} ${request.routeOptions.url ?? 'unknown'}`;
    calls[route] = (calls[route] ?? 0) + 1;
    done();
  });
  app.get('/health', () => ({ status: 'ok' }));
  app.get('/sandbox/ledger', () => ({
    items: ledger.items().map(({ id, provider, institutionId, state, verified }) => ({
      id,
      provider,
      institution: findInstitution(institutionId)?.name ?? institutionId,
      state,
      verified,
    })),
    calls,
  }));
}

const dialogPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

/** The scripts a page loads, and the dialog they open. Both scripts share overlay.js, each as one file of its own. */
function assets(app: FastifyInstance): void {
  const folder = join(packageRoot(__dirname), 'apps/sandbox-bank/public');
  const read = (...names: string[]): string => names.map((name) => readFileSync(join(folder, name), 'utf8')).join('\n');
  const serve = (path: string, type: string, body: string): unknown =>
    app.get(path, async (_request, reply) =>
      reply
        .header('content-type', `${type}; charset=utf-8`)
        .header('content-security-policy', dialogPolicy)
        .header('x-content-type-options', 'nosniff')
        .header('referrer-policy', 'no-referrer')
        .header('cache-control', 'no-cache')
        .header('cross-origin-resource-policy', 'cross-origin')
        .send(body),
    );
  const script = (...names: string[]): string => `(() => {\n'use strict';\n${read(...names)}\n})();\n`;

  serve('/link/v2/stable/link-initialize.js', 'text/javascript', script('overlay.js', 'plaid-link.js'));
  serve('/connect/connect.js', 'text/javascript', script('overlay.js', 'teller-connect.js'));
  serve('/sandbox/dialog', 'text/html', read('dialog.html'));
  serve('/sandbox/dialog.js', 'text/javascript', script('dialog.js'));
  serve('/sandbox/dialog.css', 'text/css', read('dialog.css'));
}
