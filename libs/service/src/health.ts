import { createServer, type Server } from 'node:http';
import { collectDefaultMetrics, register } from 'prom-client';
import type { PartHealth } from '#contracts/subjects.js';
import { config } from './config.js';

const STARTING: PartHealth = { status: 'down', views: [], parts: {} };

/**
 * GET /health/live, /health/started, /health/ready and /metrics of one process, for orchestrators; never on a public port.
 * Until it has a health it is alive and has not started.
 */
export function serveHealth(health: () => Promise<PartHealth> | undefined): Server | undefined {
  if (config.HEALTH_PORT === 0) return undefined;
  collectDefaultMetrics();
  const answer = async (path: string | undefined): Promise<[number, string, string]> => {
    if (path === '/health/live') return upOrDown(true);
    if (path === '/health/started') return upOrDown(health() !== undefined);
    if (path === '/metrics') return [200, register.contentType, await register.metrics()];
    if (path !== '/health/ready')
      return [404, 'application/json', '{"error":{"code":"NOT_FOUND","message":"Not found"}}'];
    const now = (await health()) ?? STARTING;
    return [now.status === 'up' ? 200 : 503, 'application/json', JSON.stringify(now)];
  };
  return createServer((request, response) => {
    void answer(request.url)
      .catch((error: unknown): [number, string, string] => [500, 'text/plain', String(error)])
      .then(([status, type, body]) => response.writeHead(status, { 'content-type': type }).end(body));
  }).listen(config.HEALTH_PORT, config.HEALTH_HOST);
}

const upOrDown = (isUp: boolean): [number, string, string] =>
  isUp ? [200, 'application/json', '{"status":"up"}'] : [503, 'application/json', '{"status":"down"}'];
