import { type OauthShape, troubles } from './oauth-grants.js';

/**
 * Nothing runs on the page and nothing is loaded but its style sheets. A form's whole chain of redirects is held to
 * `form-action`, and the chain ends at whatever address the app gave: so any web address, and no other scheme.
 */
export const pagePolicy = [
  "default-src 'none'",
  "style-src 'self'",
  'img-src data:',
  "form-action 'self' http: https:",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

const providerNames: Record<OauthShape, string> = { plain: 'Sandbox', mercadopago: 'Mercado Pago', shopify: 'Shopify' };

/** The form has no address of its own: it goes to the address of the page, whose query holds the request untouched. */
export function authorizePage(shape: OauthShape, { host, scopes }: { host: string; scopes: string[] }): string {
  const name = providerNames[shape];
  const asked = scopes.map((scope) => `<li><code>${escaped(scope)}</code></li>`).join('');
  const options = Object.entries(troubles).map(([value, text]) => `<option value="${value}">${text}</option>`);
  return page(
    `${name}: allow access`,
    `<p class="client">${escaped(host)} asks</p>
    <h1>Allow access to your ${name} account?</h1>
    ${asked === '' ? '' : `<p class="lead">It wants to use:</p><ul class="scopes">${asked}</ul>`}
    <form method="post">
      <button class="primary" name="decision" value="approve">Approve</button>
      <button class="quiet" name="decision" value="deny">Deny</button>
      <details class="people">
        <summary>Make something go wrong</summary>
        <label for="trouble">What happens after Approve</label>
        <select id="trouble" name="trouble">${options.join('')}</select>
      </details>
    </form>`,
  );
}

/** For a request that must not be sent back to where it says it came from. */
export const refusedPage = (reason: string): string =>
  page(
    'This request cannot be trusted',
    `<h1>This request cannot be trusted</h1><p class="lead">${escaped(reason)}</p>`,
  );

export const pageStyle = `.lead:has(+ .scopes) { margin-bottom: 8px; }
.scopes { margin: 0 0 20px; padding-left: 20px; overflow-wrap: anywhere; }
.people label { display: block; margin: 12px 0 4px; }
.people select { width: 100%; padding: 10px 12px; font: inherit; color: inherit; background: var(--paper);
  border: 1px solid var(--field); border-radius: 10px; }
`;

const page = (title: string, content: string): string => `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>${title}</title>
    <link rel="stylesheet" href="/sandbox/dialog.css" />
    <link rel="stylesheet" href="/sandbox/oauth.css" />
    <link rel="icon" href="data:," />
  </head>
  <body>
    <main class="dialog">
      <p class="sandbox"><strong>Sandbox</strong> No real account, no real money.</p>
      <div class="content">${content}</div>
    </main>
  </body>
</html>
`;

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

const escaped = (text: string): string => text.replace(/[&<>"']/g, (character) => entities[character]!);
