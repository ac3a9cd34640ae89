import type { FastifyRequest } from 'fastify';
import type { GatewayConfig } from './config.js';

/**
 * Where the person's browser reaches us: PUBLIC_BASE_URL, else scheme and host of the request when the host is on the
 * allow-list, else this process on the loopback. A forged Host header can therefore shape no link.
 */
export function publicBase(request: FastifyRequest, config: GatewayConfig): string {
  if (config.PUBLIC_BASE_URL) return config.PUBLIC_BASE_URL;
  // A proxy may pass on what a client claims.
  const scheme = /^https$/i.test(request.protocol) ? 'https' : 'http';
  const host = request.host.toLowerCase();
  return isAllowed(host, config) ? `${scheme}://${host}` : `http://localhost:${config.PORT}`;
}

/** Does the person's browser reach us through TLS? Whoever ends it in front of us speaks plain HTTP here. */
export const isSecure = (request: FastifyRequest, config: GatewayConfig): boolean =>
  publicBase(request, config).startsWith('https:');

/** On the list as it stands there, or with any port behind it. What is no host at all cannot stand there. */
function isAllowed(host: string, { ALLOWED_HOSTS }: GatewayConfig): boolean {
  if (ALLOWED_HOSTS.includes(host)) return true;
  const [end, port] = PORT.exec(host) ?? [];
  return end !== undefined && Number(port) <= 65_535 && ALLOWED_HOSTS.includes(host.slice(0, -end.length));
}

const PORT = /:([1-9]\d{0,4})$/;
