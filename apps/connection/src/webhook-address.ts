import { platformConnectionId } from '#contracts/ids.js';
import type { ProviderName } from '#contracts/link-session.js';
import { connectionEnv } from './connection-env.js';

/** Where a provider sends what it has to tell of a connection. */
export const webhookAddressOf = (provider: ProviderName, connectionId: string): string =>
  `${connectionEnv.WEBHOOK_BASE_URL}/v1/webhooks/${provider}/${platformConnectionId(connectionId)}`;
