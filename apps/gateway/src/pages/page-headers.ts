import type { FastifyReply } from 'fastify';
import type { ProviderName } from '#contracts/link-session.js';
import { styleSource } from './assets.js';
import type { PagesSettings } from './settings.js';

/** What the real providers' scripts frame and call besides their own file (https://plaid.com/docs/link/web/#csp-directives). */
const realHosts: Record<string, { frame: string; connect: string }> = {
  'https://cdn.plaid.com': {
    frame: 'https://cdn.plaid.com',
    connect: 'https://production.plaid.com https://sandbox.plaid.com',
  },
  'https://cdn.teller.io': { frame: 'https://teller.io https://cdn.teller.io', connect: '' },
};

const alwaysSent = {
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'x-robots-tag': 'noindex, nofollow',
};

const sentWithPages = {
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy':
    'accelerometer=(), autoplay=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), midi=(), payment=(), usb=()',
};

/** The headers of an HTML page. Only a provider's own step may load that provider's script, and nobody else's. */
export function setPageHeaders(reply: FastifyReply, settings: PagesSettings, provider?: ProviderName): void {
  void reply.headers({
    ...alwaysSent,
    ...sentWithPages,
    'content-security-policy': contentSecurityPolicy(settings, provider),
    // Banks that sign in on their own site open in a pop-up, which must be able to answer the provider's script.
    'cross-origin-opener-policy': provider ? 'same-origin-allow-popups' : 'same-origin',
  });
}

/** A redirect shows nothing, so its policy can be the shortest: on a slow line the person waits for its bytes, too. */
export function setRedirectHeaders(reply: FastifyReply): void {
  void reply.headers({ ...alwaysSent, 'content-security-policy': "default-src 'none'; frame-ancestors 'none'" });
}

function contentSecurityPolicy(settings: PagesSettings, provider?: ProviderName): string {
  const hosts = provider && hostsOf(scriptUrlOf(settings, provider));
  const directives: Record<string, string | undefined> = {
    'default-src': "'none'",
    'script-src': `'self' ${hosts?.script ?? ''}`,
    'style-src': styleSource,
    'img-src': "'self' data:",
    'connect-src': `'self' ${hosts?.connect ?? ''}`,
    'frame-src': hosts?.frame ?? "'none'",
    // Some browsers hold this against the redirect after a form, too: what may lead to an app is a link, and no form.
    'form-action': "'self'",
    'base-uri': "'none'",
    'frame-ancestors': "'none'",
  };
  return Object.entries(directives)
    .map(([name, sources]) => `${name} ${sources}`.trim())
    .join('; ');
}

function hostsOf(script: string): { script: string; frame: string; connect: string } {
  const { origin } = new URL(script);
  return { script, ...(realHosts[origin] ?? { frame: origin, connect: '' }) };
}

const scriptUrlOf = (settings: PagesSettings, provider: ProviderName): string =>
  provider === 'plaid' ? settings.PLAID_SCRIPT_URL : settings.TELLER_SCRIPT_URL;
