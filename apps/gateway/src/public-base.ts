import type { FastifyRequest } from 'fastify';
import type { GatewayConfig } from './config.js';

/**
 * Where the person's browser reaches us: PUBLIC_BASE_URL, else scheme and host of the request when the host is on the
 * allow-list, else this process on the loopback. A forged Host header can therefore shape no link.
 */
export function publicBase(request: FastifyRequest, config: GatewayConfig): string {
  if (config.PUBLIC_BASE_URL) return config.PUBLIC_BASE_URL;
  const named = `${request.protocol}://${request.host}`;
  const allowed = URL.canParse(named) && isAllowed(new URL(named), config) && new URL(named).host === request.host;
  return allowed ? named : `http://localhost:${config.PORT}`;
}

const isAllowed = ({ host, hostname }: URL, { ALLOWED_HOSTS }: GatewayConfig): boolean =>
  ALLOWED_HOSTS.includes(host) || ALLOWED_HOSTS.includes(hostname);
