import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { type Item, type Ledger } from './ledger.js';
import { accountsOf, findInstitution } from './people.js';
import { type Webhooks } from './webhooks.js';

class TellerRefusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

type Answer = { status: number; body?: unknown };
type Handler = (enrollment: Item, accountId: string) => Answer;

/**
 * Teller's HTTP API: Basic authentication with the access token as the user name and no password. The real one also demands
 * a client certificate, which a simulator on the loopback has no use for.
 */
export function tellerApi(app: FastifyInstance, { ledger, webhooks }: { ledger: Ledger; webhooks: Webhooks }): void {
  const route = (method: 'GET' | 'DELETE' | 'POST', url: string, handler: Handler): unknown =>
    app.route<{ Params: { id?: string } }>({
      method,
      url,
      handler: (request, reply) => answer(reply, () => handler(enrollmentOf(request, ledger), request.params.id ?? '')),
    });
  const remove = (enrollment: Item): Answer => {
    ledger.putItem({ ...enrollment, state: 'removed' });
    return { status: 204 };
  };

  route('GET', '/accounts', (enrollment) => {
    refuseDisconnected(enrollment);
    ledger.putItem({ ...enrollment, verified: enrollment.verified + 1 });
    return { status: 200, body: accountViews(enrollment) };
  });
  route('GET', '/accounts/:id', (enrollment, id) => {
    refuseDisconnected(enrollment);
    return { status: 200, body: existing(enrollment, id) };
  });
  route('DELETE', '/accounts', remove);
  route('DELETE', '/accounts/:id', (enrollment, id) => {
    existing(enrollment, id);
    const without = { ...enrollment, removedAccounts: [...enrollment.removedAccounts, id] };
    if (accountViews(without).length === 0) return remove(without);
    ledger.putItem(without);
    return { status: 204 };
  });
  route('POST', '/sandbox/enrollments/disconnect', (enrollment) => {
    ledger.putItem({ ...enrollment, loginRequired: true });
    webhooks.tellerDisconnected(enrollment, 'disconnected.user_action.mfa_required');
    return { status: 204 };
  });
}

function answer(reply: FastifyReply, handle: () => Answer): FastifyReply {
  try {
    const { status, body } = handle();
    return reply.status(status).send(body);
  } catch (error) {
    if (!(error instanceof TellerRefusal)) throw error;
    return reply.status(error.status).send({ error: { code: error.code, message: error.message } });
  }
}

function enrollmentOf(request: FastifyRequest, ledger: Ledger): Item {
  const [scheme, credentials] = (request.headers.authorization ?? '').split(' ');
  if (scheme?.toLowerCase() !== 'basic' || !credentials) {
    throw new TellerRefusal(401, 'unauthorized', 'An access token is required.');
  }
  const [accessToken] = Buffer.from(credentials, 'base64').toString().split(':');
  const enrollment = ledger.itemByAccessToken(accessToken ?? '');
  if (enrollment?.provider !== 'teller' || enrollment.state === 'removed') {
    throw new TellerRefusal(403, 'forbidden', 'The access token is invalid or has been revoked.');
  }
  return enrollment;
}

function refuseDisconnected(enrollment: Item): void {
  if (!enrollment.loginRequired) return;
  throw new TellerRefusal(404, 'enrollment.disconnected.user_action.mfa_required', 'The enrollment is not healthy.');
}

function existing(enrollment: Item, accountId: string): object {
  const account = accountViews(enrollment).find(({ id }) => id === accountId);
  if (!account) throw new TellerRefusal(404, 'not_found', 'The requested account does not exist.');
  return account;
}

function accountViews(enrollment: Item): { id: string }[] {
  const institution = findInstitution(enrollment.institutionId);
  if (!institution) return [];
  return accountsOf({ id: enrollment.id, institution, person: enrollment.person })
    .filter(({ id }) => !enrollment.removedAccounts.includes(id))
    .map((account) => ({
      id: account.id,
      enrollment_id: enrollment.id,
      institution: { id: institution.tellerId, name: institution.name },
      name: account.name,
      last_four: account.mask,
      type: 'depository',
      subtype: account.subtype,
      currency: 'USD',
      status: 'open',
      links: { self: `/accounts/${account.id}` },
    }));
}
