import { randomBytes, randomUUID } from 'node:crypto';
import { type FastifyInstance } from 'fastify';
import { z } from 'zod';
import { type BankConfig } from './config.js';
import { type Item, type Ledger } from './ledger.js';
import {
  accountsOf,
  findInstitution,
  institutionIdFor,
  institutions,
  signIn,
  signInErrors,
  type Institution,
  type ProviderName,
} from './people.js';

const PUBLIC_TOKEN_TTL_MS = 30 * 60 * 1000;
const MOST_TICKETS = 10_000;

const openingBody = z.object({
  provider: z.enum(['plaid', 'teller']),
  /** Plaid: the link token. */
  token: z.string().optional(),
  /** Teller: what `TellerConnect.setup` was given. */
  application_id: z.string().optional(),
  enrollment_id: z.string().optional(),
  webhook: z.string().optional(),
});
const signInBody = openingBody.extend({
  institution_id: z.string(),
  username: z.string(),
  password: z.string(),
  code: z.string().optional(),
  /** Names the browser tab, so that the second try of user_down is known as such. */
  visitor: z.string().max(100),
});
const allowBody = z.object({ ticket: z.string() });

type Opening = z.infer<typeof openingBody>;
/** What an opened dialog is for: a new item, or (update mode) the repair of an existing one. */
interface Purpose {
  clientName: string;
  webhook: string | null;
  updates: Item | null;
}
/** A successful sign-in that waits for the person's `Allow`. */
interface Ticket {
  purpose: Purpose;
  provider: ProviderName;
  institution: Institution;
  item: Item;
}

/** The dialog's own calls. A refusal is a 200 with an `error`, since it is an answer the person gets to see, not a fault. */
export function dialogApi(app: FastifyInstance, bank: { ledger: Ledger; config: BankConfig }): void {
  const tickets = new Map<string, Ticket>();
  const foundDown = new Set<string>();

  app.post('/sandbox/session', (request) => {
    const opening = openingBody.parse(request.body);
    const purpose = purposeOf(opening, bank);
    if (!purpose) return { error: badOpening };
    return {
      client_name: purpose.clientName,
      update_mode: purpose.updates !== null,
      institutions: institutions
        .map((institution) => ({ id: institutionIdFor(opening.provider, institution), name: institution.name }))
        .filter(({ id }) => !purpose.updates || purpose.updates.institutionId === id),
    };
  });

  app.post('/sandbox/sign-in', (request) => {
    const attempt = signInBody.parse(request.body);
    const purpose = purposeOf(attempt, bank);
    const institution = findInstitution(purpose?.updates?.institutionId ?? attempt.institution_id);
    if (!purpose || !institution) return { error: badOpening };
    const visit = `${attempt.visitor} ${institution.name}`;
    const outcome = signIn({ ...attempt, foundDownBefore: foundDown.has(visit) });
    foundDown.delete(visit);
    if (outcome === 'down') remember(foundDown, visit);
    if (outcome === 'code_needed') return { step: 'code' };
    if (outcome !== 'welcome') return { error: signInErrors[outcome] };
    const item = signedInItem(attempt, purpose, institution);
    const ticket = randomUUID();
    tickets.set(ticket, { purpose, provider: attempt.provider, institution, item });
    forgetOldest(tickets);
    const accounts = accountsOf({ id: item.id, institution, person: item.person });
    return { step: 'allow', ticket, accounts: accounts.map(({ name, mask }) => ({ name, mask })) };
  });

  app.post('/sandbox/allow', (request) => {
    const { ticket: id } = allowBody.parse(request.body);
    const ticket = tickets.get(id);
    tickets.delete(id);
    if (!ticket) return { error: badOpening };
    return ticket.provider === 'plaid' ? plaidResult(bank.ledger, ticket) : tellerResult(bank.ledger, ticket);
  });
}

const badOpening = {
  error_type: 'INVALID_INPUT',
  error_code: 'INVALID_LINK_TOKEN',
  error_message: 'the link token or application is unknown or has expired',
  display_message: 'This link to the bank is no longer valid. Please start again.',
};

function purposeOf(opening: Opening, { ledger, config }: { ledger: Ledger; config: BankConfig }): Purpose | null {
  if (opening.provider === 'plaid') {
    const link = ledger.linkToken(opening.token ?? '');
    if (!link) return null;
    const updates = link.itemId === null ? null : ledger.item(link.itemId);
    return updates === undefined || updates?.state === 'removed' ? null : { ...link, updates };
  }
  if (opening.application_id !== config.teller.applicationId) return null;
  const webhook = loopbackUrl(opening.webhook);
  const updates = opening.enrollment_id ? ledger.item(opening.enrollment_id) : null;
  if (updates === undefined || updates?.state === 'removed' || updates?.provider === 'plaid') return null;
  return { clientName: 'Teller Connect', webhook, updates };
}

/** A page may name the webhook URL of its own machine only: the bank sends nothing to an address a visitor made up. */
function loopbackUrl(url: string | undefined): string | null {
  if (url === undefined || !URL.canParse(url)) return null;
  const { protocol, hostname, href } = new URL(url);
  return protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(hostname) ? href : null;
}

function signedInItem(attempt: z.infer<typeof signInBody>, purpose: Purpose, institution: Institution): Item {
  if (purpose.updates) return { ...purpose.updates, person: attempt.username };
  const random = randomBytes(16).toString('base64url');
  return {
    id: attempt.provider === 'plaid' ? `item_${random}` : `enr_${random}`,
    provider: attempt.provider,
    institutionId: institutionIdFor(attempt.provider, institution),
    person: attempt.username,
    state: 'live',
    loginRequired: false,
    webhook: purpose.webhook,
    verified: 0,
    removedAccounts: [],
  };
}

/** A new Plaid item waits inside its public token and comes into the ledger by the exchange; a repaired one is there already. */
function plaidResult(ledger: Ledger, ticket: Ticket): object {
  if (ticket.purpose.updates && !repaired(ledger, ticket)) return { error: badOpening };
  const publicToken = ledger.addPublicToken({ item: ticket.item, expiresAt: Date.now() + PUBLIC_TOKEN_TTL_MS });
  const { plaidId, name } = ticket.institution;
  const accounts = accountsOf({ ...ticket.item, institution: ticket.institution });
  return {
    public_token: publicToken,
    metadata: {
      institution: { institution_id: plaidId, name },
      accounts: accounts.map((account) => ({ ...account, type: 'depository', verification_status: null })),
      link_session_id: randomUUID(),
      transfer_status: null,
    },
  };
}

/** A Teller enrollment is live from here on, for its access token goes straight to the page. */
function tellerResult(ledger: Ledger, ticket: Ticket): object {
  if (ticket.purpose.updates) {
    if (!repaired(ledger, ticket)) return { error: badOpening };
  } else {
    ledger.putItem(ticket.item);
  }
  return {
    accessToken: ledger.accessTokenOf(ticket.item),
    user: { id: `usr_${ticket.item.id.slice(4)}` },
    enrollment: { id: ticket.item.id, institution: { name: ticket.institution.name } },
    signatures: [],
  };
}

/** Puts the new sign-in onto the item as it is now; false if it was removed while the dialog stood open. */
function repaired(ledger: Ledger, { item }: Ticket): boolean {
  const current = ledger.item(item.id);
  if (current?.state !== 'live') return false;
  ledger.putItem({ ...current, person: item.person, loginRequired: false, removedAccounts: [] });
  return true;
}

function remember(visits: Set<string>, visit: string): void {
  if (visits.size >= MOST_TICKETS) visits.clear();
  visits.add(visit);
}

function forgetOldest(tickets: Map<string, Ticket>): void {
  const [oldest] = tickets.keys();
  if (tickets.size > MOST_TICKETS && oldest !== undefined) tickets.delete(oldest);
}
