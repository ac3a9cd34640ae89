import { describe, expect, it } from '@jest/globals';
import { toConnection } from '#contracts/api/connections.js';
import { toPlatformConnection } from '#contracts/api/platform-connections.js';
import type { ConnectionEvent, OwnedConnection } from '#contracts/connection.js';
import { defaultTenant } from '#contracts/envelope.js';
import { idOf } from '#contracts/ids.js';
import { project } from '#eventstore/projection.js';
import { connectionProjection } from './connection.view.js';

const at = '2026-01-01T12:00:00.000Z';
const linked: ConnectionEvent = {
  ...{ type: 'ConnectionLinked', ...defaultTenant, at },
  ...{ id: idOf('connection', 'abcdefgh'), short_id: 'abcdefgh', user_id: idOf('user', 'user0001'), session_id: 's' },
  ...{ provider: 'plaid', provider_item_id: 'item', institution_id: 'ins_1', institution_name: 'Tartan Bank' },
  accounts_fingerprint: null,
};
const relinked: ConnectionEvent = { type: 'ConnectionRelinked', session_id: 's-2', outcome: 'repaired', at };
const relinkedWith = (accounts_fingerprint: string): ConnectionEvent => ({ ...relinked, accounts_fingerprint });
const viewOf = (...events: ConnectionEvent[]) => project(connectionProjection, [linked, ...events]) as OwnedConnection;

describe("a connection with a provider's error", () => {
  const message = 'The provider reports an error.';
  const reported: ConnectionEvent = { type: 'ProviderErrorReported', code: 'ITEM_LOCKED', message, at };
  const error = { error_code: 'ITEM_LOCKED', error_message: message };

  it('is in error for the household, and connected for the platform', () => {
    expect(toConnection(viewOf(reported))).toMatchObject({ status: 'error', ...error });
    expect(toPlatformConnection(viewOf(reported))).toMatchObject({ status: 'connected', metadata: error });
  });

  it('is well again after a relink', () => {
    const well = { status: 'active', error_code: null, error_message: null };
    expect(toConnection(viewOf(reported, relinked))).toMatchObject(well);
  });
});

describe('the accounts of a connection', () => {
  it('are those that a relink has shown, when they could not be read before', () => {
    expect(viewOf(relinked).accounts_fingerprint).toBeNull();
    expect(viewOf(relinked, relinkedWith('first')).accounts_fingerprint).toBe('first');
  });

  it('are those that a relink has shown, when there were none before', () => {
    const events: ConnectionEvent[] = [{ ...linked, accounts_fingerprint: '' }, relinkedWith('first')];
    expect(project(connectionProjection, events)?.accounts_fingerprint).toBe('first');
  });

  it('stay what they were', () => {
    expect(viewOf(relinkedWith('first'), relinkedWith('second'), relinked).accounts_fingerprint).toBe('first');
  });
});
