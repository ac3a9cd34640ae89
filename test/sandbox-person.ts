/**
 * A person at the sandbox bank without a browser: the calls that the dialog makes, for tests that are not about the dialog.
 */
export interface Visit {
  provider: 'plaid' | 'teller';
  /** Plaid: the link token. */
  token?: string;
  /** Teller: the application, and the enrollment when it is to be repaired. */
  application_id?: string;
  enrollment_id?: string;
  webhook?: string;
  username?: string;
  /** Plaid's or Teller's id; in update mode the bank takes the one of the item. */
  institution_id?: string;
}

/** What the page's `onSuccess` gets: Plaid's public token or Teller's access token and enrollment. */
export interface Allowed {
  public_token: string;
  accessToken: string;
  enrollment: { id: string };
  error?: { error_code: string };
}

/** Signs in and allows; throws the bank's error code when it refuses. */
export async function linkAtSandboxBank(bankUrl: string, visit: Visit): Promise<Allowed> {
  const signedIn = await post(`${bankUrl}/sandbox/sign-in`, {
    username: 'user_good',
    password: 'pass_good',
    code: '1234',
    institution_id: 'ins_109508',
    visitor: 'no browser',
    ...visit,
  });
  return (await post(`${bankUrl}/sandbox/allow`, { ticket: signedIn.ticket })) as unknown as Allowed;
}

async function post(url: string, body: object): Promise<Record<string, unknown>> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const answer = (await response.json()) as Record<string, unknown> & { error?: { error_code: string } };
  if (answer.error) throw new Error(answer.error.error_code);
  return answer;
}
