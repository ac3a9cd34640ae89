import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { Context } from '#contracts/envelope.js';
import { AttemptJournal } from './attempt-journal.js';
import { ConfiguredProviders } from './configured-providers.js';
import { Connections } from './connections.service.js';
import { Credentials } from './credentials.service.js';
import type { LinkAttempt } from './link-attempt.entity.js';
import { ProviderError, sharesAccounts } from './providers/provider.js';

/** Asks the provider what an attempt brought, and writes it down before anybody acts on it. */
@Injectable()
export class BankFacts {
  constructor(
    private readonly journal: AttemptJournal,
    private readonly providers: ConfiguredProviders,
    private readonly connections: Connections,
    private readonly credentials: Credentials,
  ) {}

  learn(attempt: LinkAttempt, context: Context): Promise<LinkAttempt> {
    return attempt.action === 'link' ? this.exchange(attempt) : this.verify(attempt, context);
  }

  /** Of an attempt that becomes no connection. Its credential is in the vault once the token was exchanged. */
  async discard(attempt: LinkAttempt): Promise<void> {
    if (attempt.action !== 'link') return;
    const token = await this.loginOf(attempt);
    if (token !== null) await this.providers.get(attempt.provider).remove(token);
    await this.credentials.destroyOfNobody(attempt);
  }

  /** Teller's login exists as soon as the person allowed it; a public token of Plaid's that nobody exchanged is nothing. */
  private loginOf(attempt: LinkAttempt): Promise<string | null> {
    return attempt.provider === 'teller' ? this.journal.token(attempt) : this.credentials.openOfNobody(attempt);
  }

  private async exchange(attempt: LinkAttempt): Promise<LinkAttempt> {
    const token = await this.journal.token(attempt);
    if (token === null) throw new ProviderError('TOKEN_LOST', { retryable: false });
    const bank = await this.providers.get(attempt.provider).exchange(token);
    const facts = {
      provider_item_id: bank.providerItemId,
      institution_id: bank.institutionId,
      institution_name: bank.institutionName,
      // A sign-in that shows no account at all names nobody: nothing could ever be compared with it.
      accounts_fingerprint: bank.accountsFingerprint || null,
    };
    return this.journal.learn(attempt, { bank: facts }, bank.accessToken);
  }

  /** The browser's word is not enough: the provider itself must say that the credential works, for the same accounts. */
  private async verify(attempt: LinkAttempt, context: Context): Promise<LinkAttempt> {
    const connection = await this.connections.read(context.tenant, attempt.connection_id);
    const accessToken = await this.credentials.open(connection, 'verify_relink', {
      ...context,
      command_id: randomUUID(),
    });
    const { healthy, errorCode, accountsFingerprint } = await this.providers.get(attempt.provider).check(accessToken);
    if (!healthy) {
      const displayMessage = 'The bank still asks for a sign-in.';
      throw new ProviderError(errorCode ?? 'LOGIN_REQUIRED', { retryable: false, displayMessage });
    }
    // Older links that showed no account have an empty one.
    const before = connection.accounts_fingerprint || null;
    if (before !== null && accountsFingerprint !== null && !sharesAccounts(before, accountsFingerprint)) {
      const displayMessage = 'That sign-in shows different accounts. Nothing was changed.';
      throw new ProviderError('different_account', { retryable: false, displayMessage });
    }
    const isNew = before === null && accountsFingerprint !== null && accountsFingerprint !== '';
    // Also where the bank asked for a sign-in only while its dialog was open.
    const neededRepair = attempt.needed_repair || connection.state !== 'connected';
    return this.journal.learn(attempt, {
      outcome: neededRepair ? 'repaired' : 'already_healthy',
      ...(isNew && { accounts_fingerprint: accountsFingerprint }),
    });
  }
}
