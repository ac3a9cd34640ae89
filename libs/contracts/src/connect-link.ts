import type { Tenant } from './envelope.js';

/** What a caller asks of a Connect Link; its state travels sealed. */
export interface ConnectLinkWish {
  server_id: string;
  user_id: string;
  redirect_uri: string;
  /** Our own address that the provider sends the browser back to. */
  callback_url: string;
  scopes: string[] | null;
  shop: string | null;
}

/** All that the record says of a link when it is started. Nothing of its state. */
export interface ConnectLinkTerms extends Tenant {
  id: string;
  short_id: string;
  server_id: string;
  /** The caller's own name for an end user. */
  user_id: string;
  redirect_uri: string;
  expires_at: string;
}

/** What became of a link. */
export type ConnectLinkEnding =
  | { type: 'RecordConnection'; connection_id: string }
  | { type: 'RecordDenial' }
  /** `error` is what the app is told. */
  | { type: 'RecordFailure'; error: string }
  | { type: 'ExpireConnectLink' };

export type ConnectLinkCommand =
  | ({ type: 'StartConnectLink'; now: string } & ConnectLinkTerms)
  | (ConnectLinkEnding & { now: string })
  | { type: 'RefuseUse'; now: string };

export type ConnectLinkEvent =
  | ({ type: 'ConnectLinkStarted'; at: string } & ConnectLinkTerms)
  | { type: 'ConnectLinkConnected'; connection_id: string; at: string }
  | { type: 'ConnectLinkDenied'; at: string }
  | { type: 'ConnectLinkFailed'; error: string; at: string }
  | { type: 'ConnectLinkExpired'; at: string }
  /** A second use of the state was refused: nothing changed, but it is a fact worth knowing. */
  | { type: 'ConnectLinkUseRefused'; at: string };
