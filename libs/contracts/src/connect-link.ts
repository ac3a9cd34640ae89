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
