import { Module } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { SubjectKeyRow } from '#eventstore/subject-keys.js';
import { StoreModule } from '#service/store.module.js';
import { AttemptJournal } from './attempt-journal.js';
import { BankFacts } from './bank-facts.js';
import { CatalogController } from './catalog/catalog.controller.js';
import { Catalog } from './catalog/catalog.js';
import { ConfiguredProviders } from './configured-providers.js';
import { connectionEnv } from './connection-env.js';
import { ConnectionFolds } from './connection-folds.js';
import { ConnectionQueries } from './connection-queries.js';
import { ConnectionViews } from './connection-views.js';
import { ConnectionController } from './connection.controller.js';
import { ConnectionRow } from './connection.view.js';
import { ConnectionSlots } from './connection-slots.js';
import { Connections } from './connections.service.js';
import { CredentialAccesses } from './credential-accesses.js';
import { Credentials } from './credentials.service.js';
import { InstallationController } from './installation.controller.js';
import { ConnectLinks1700000000005 } from './migrations/0005-connect-links.js';
import { registeredClients } from './oauth/clients.js';
import { ConnectLinkController } from './oauth/connect-link.controller.js';
import { ConnectLinks } from './oauth/connect-links.service.js';
import { FinishLinks } from './oauth/finish-links.js';
import { KeepFresh } from './oauth/keep-fresh.js';
import { LinkRecord } from './oauth/link-record.js';
import { LinkTable } from './oauth/link-table.js';
import { OAuthClients } from './oauth/oauth-clients.js';
import { OAuthTokens } from './oauth/oauth-tokens.js';
import { ConnectionTokens } from './oauth/token-store.js';
import { TokenTable } from './oauth/token-table.js';
import { LeaveProvider } from './leave-provider.js';
import { SweepStorage } from './sweep-storage.js';
import { LinkAttempt } from './link-attempt.entity.js';
import { LinkAttempts } from './link-attempts.service.js';
import { LinkStarter } from './link-starter.js';
import { LinkAttemptController } from './link-attempt.controller.js';
import { Connections1700000000001 } from './migrations/0001-connections.js';
import { PlatformConnections1700000000002 } from './migrations/0002-platform-connections.js';
import { SubjectKeys1700000000003 } from './migrations/0003-subject-keys.js';
import { BankItems1700000000010 } from './migrations/0010-bank-items.js';
import { ConnectLinkEndings1700000000011 } from './migrations/0011-connect-link-endings.js';
import { DeliveryRevisions1700000000012 } from './migrations/0012-delivery-revisions.js';
import { ConnectionLists1700000000013 } from './migrations/0013-connection-lists.js';
import { Banks1700000000014 } from './migrations/0014-banks.js';
import { AgentSessionUsers1700000000015 } from './migrations/0015-agent-session-users.js';
import { LeftConnectLinks1700000000016 } from './migrations/0016-left-connect-links.js';
import { BankStates1700000000017 } from './migrations/0017-bank-states.js';
import { AgentSessionController } from './agent-session.controller.js';
import { AgentSessionRow } from './agent-session.view.js';
import { AgentSessions } from './agent-sessions.service.js';
import { PersonalTextController } from './personal-text.controller.js';
import { PlatformConnectionController } from './platform-connection.controller.js';
import { CredentialCheckController } from './validate/credential-check.controller.js';
import { PlatformReadController } from './platform-read.controller.js';
import { PlatformQueries } from './platform-queries.js';
import { StoreConnection } from './store-connection.js';
import { WebhookSecrets } from './webhook-secrets.js';
import { CredentialStorage } from './credential-storage.js';
import { RemoveConnection } from './remove-connection.js';
import { ResumeWork } from './resume-work.js';
import { SandboxBank } from './sandbox-bank.js';
import { UserController } from './user.controller.js';
import { UserRow } from './user.view.js';
import { Users } from './users.service.js';
import { KeyRing } from './vault/key-ring.js';
import { KeyRotation } from './vault/key-rotation.js';
import { VaultController } from './vault/vault.controller.js';
import { Vault } from './vault/vault.service.js';
import { KnownConnections } from './known-connections.js';
import { LostDeliveries } from './lost-deliveries.js';
import { WebhookDeliveries1700000000004 } from './migrations/0004-webhook-deliveries.js';
import { WebhookController } from './webhook.controller.js';
import { WebhookDeliveries } from './webhook-deliveries.js';
import { WebhookIntake } from './webhook-intake.js';
import { WebhookVerification } from './webhook-verification.js';

const keyRing = { provide: KeyRing, useFactory: () => new KeyRing(connectionEnv) };

const vault = {
  provide: Vault,
  inject: [KeyRing, DataSource],
  useFactory: (keks: KeyRing, dataSource: DataSource) => new Vault(keks, dataSource),
};

const catalog = {
  provide: Catalog,
  useFactory: () => Catalog.from(connectionEnv, Object.keys(registeredClients(connectionEnv))),
};

@Module({
  imports: [
    StoreModule.with({
      service: 'connection',
      entities: [ConnectionRow, UserRow, LinkAttempt, AgentSessionRow, SubjectKeyRow],
      migrations: [
        Connections1700000000001,
        PlatformConnections1700000000002,
        SubjectKeys1700000000003,
        WebhookDeliveries1700000000004,
        ConnectLinks1700000000005,
        BankItems1700000000010,
        ConnectLinkEndings1700000000011,
        DeliveryRevisions1700000000012,
        ConnectionLists1700000000013,
        Banks1700000000014,
        AgentSessionUsers1700000000015,
        LeftConnectLinks1700000000016,
        BankStates1700000000017,
      ],
    }),
  ],
  controllers: [
    UserController,
    ConnectionController,
    LinkAttemptController,
    WebhookController,
    InstallationController,
    CatalogController,
    PersonalTextController,
    VaultController,
    PlatformConnectionController,
    PlatformReadController,
    CredentialCheckController,
    AgentSessionController,
    ConnectLinkController,
  ],
  providers: [
    keyRing,
    vault,
    KeyRotation,
    catalog,
    ConnectionFolds,
    Connections,
    ConnectionQueries,
    ConnectionViews,
    Users,
    CredentialAccesses,
    Credentials,
    CredentialStorage,
    ConfiguredProviders,
    SandboxBank,
    AttemptJournal,
    BankFacts,
    LinkAttempts,
    LinkStarter,
    RemoveConnection,
    LeaveProvider,
    SweepStorage,
    ConnectionSlots,
    StoreConnection,
    OAuthClients,
    LinkTable,
    LinkRecord,
    FinishLinks,
    ConnectLinks,
    TokenTable,
    ConnectionTokens,
    OAuthTokens,
    KeepFresh,
    WebhookSecrets,
    KnownConnections,
    WebhookDeliveries,
    LostDeliveries,
    WebhookVerification,
    WebhookIntake,
    PlatformQueries,
    AgentSessions,
    ResumeWork,
  ],
})
export class ConnectionModule {}
