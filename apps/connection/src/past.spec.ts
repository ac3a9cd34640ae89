import { describe, it } from '@jest/globals';
import fc from 'fast-check';
import type { ConnectionCommand, ConnectionView } from '#contracts/connection.js';
import type { UserCommand, UserView } from '#contracts/user.js';
import { assertPastIsAsItWas } from '#testing/as-of.js';
import { connection } from './connection.decider.js';
import { connectionProjection } from './connection.view.js';
import { user } from './user.decider.js';
import { userProjection } from './user.view.js';

const tenant = { project_id: 'prj_default000000000', environment: 'live' };
const at =
  <C>(command: object) =>
  (now: string): C =>
    ({ ...command, now }) as C;
const change = (command: object) => at<ConnectionCommand>(command);
const itself = <V>(view: V): V => view;

const place = { ...tenant, id: 'connection', short_id: 'c', server_id: 'stripe', user_id: null, auth_type: 'api_key' };
const bank = { provider: 'plaid', provider_item_id: 'i', institution_id: null, institution_name: 'Tartan Bank' };
const delivery = (delivery_id: string) => ({ delivery_id, kind: 'ITEM', code: 'X', size: 1, sha256: '' });

const common = [
  fc
    .dictionary(fc.constantFrom('a', 'b'), fc.oneof(fc.string(), fc.constant(null)))
    .map((changes) => change({ type: 'MergeMetadata', changes })),
  fc
    .record({
      id: fc.constantFrom('1', '2', '3'),
      effect: fc.constantFrom('login_required', 'login_repaired', 'provider_error', 'none'),
    })
    .map(({ id, effect }) => change({ type: 'ReceiveWebhook', delivery: delivery(id), effect })),
  fc.constant(change({ type: 'RecordRelink', session_id: 'relink', outcome: 'repaired' })),
  { weight: 1, arbitrary: fc.constant(change({ type: 'Disconnect', reason: 'asked for' })) },
  { weight: 1, arbitrary: fc.constant(change({ type: 'Delete' })) },
];
const stored = fc.nat(20).map((credential_version) => {
  return change({ type: 'StoreCredential', ...place, credential_version, cert_metadata: {}, display_name: 'x' });
});
const linked = fc.constant(
  change({
    type: 'RecordLink',
    ...{ ...tenant, ...bank, id: 'connection', short_id: 'c', user_id: 'user', session_id: 's' },
    accounts_fingerprint: null,
  }),
);

describe('a connection in the past', () => {
  const kind = { decider: connection, projection: connectionProjection, shown: itself<ConnectionView> };

  it('is what it was shown as then: one that was stored', () => {
    assertPastIsAsItWas({ ...kind, commands: fc.oneof({ weight: 4, arbitrary: stored }, ...common) }, 80);
  });

  it('is what it was shown as then: a bank', () => {
    assertPastIsAsItWas({ ...kind, commands: fc.oneof({ weight: 4, arbitrary: linked }, ...common) }, 50);
  });
});

describe('a user in the past', () => {
  it('is who it was shown as then, or nobody', () => {
    const commands = fc.oneof(
      fc.constant(
        at<UserCommand>({ type: 'CreateUser', ...tenant, id: 'user', short_id: 'u', name: 'Ada', email: null }),
      ),
      fc.string().map((name) => at<UserCommand>({ type: 'UpdateUser', name })),
      { weight: 1, arbitrary: fc.constant(at<UserCommand>({ type: 'DeleteUser' })) },
    );
    assertPastIsAsItWas({ decider: user, projection: userProjection, shown: itself<UserView>, commands }, 70);
  });
});
