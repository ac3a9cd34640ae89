/** One OAuth server of the catalog, with the credentials of our application there. */
export interface OAuthClient {
  serverId: string;
  /** The entry is of the sandbox and may be on this machine. */
  sandbox: boolean;
  authorizeUrl: string;
  tokenUrl: string;
  clientId: string;
  clientSecret: string;
  scopes: readonly string[];
  /** Between scopes; Shopify takes a comma. Default: a space. */
  scopeSeparator?: ' ' | ',';
  /** Further parameters of the authorize address, such as Mercado Pago's `platform_id=mp`. */
  authorizeParameters?: Readonly<Record<string, string>>;
  /** Further parameters of the code's exchange, such as Shopify's `expiring=1`. */
  tokenParameters?: Readonly<Record<string, string>>;
  /** Besides `invalid_grant`, what the provider answers to a refresh once the person has withdrawn the grant. */
  deadGrantCodes?: readonly string[];
  /** The provider signs the parameters of the callback, as Shopify does. */
  signsCallback?: boolean;
  /** Fields of the token reply that the connection's metadata keeps, such as `user_id`. No secret may be among them. */
  metadataFields?: readonly string[];
}

/** Where the person is sent to. `callbackUrl` is ours; the app's own address stays with us. */
export function authorizeUrl(
  client: OAuthClient,
  link: { state: string; challenge: string; callbackUrl: string; scopes?: readonly string[] },
): string {
  const url = new URL(client.authorizeUrl);
  const scopes = link.scopes ?? client.scopes;
  const parameters = {
    ...client.authorizeParameters,
    response_type: 'code',
    client_id: client.clientId,
    redirect_uri: link.callbackUrl,
    state: link.state,
    code_challenge: link.challenge,
    code_challenge_method: 'S256',
    ...(scopes.length > 0 && { scope: scopes.join(client.scopeSeparator ?? ' ') }),
  };
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return url.href;
}
