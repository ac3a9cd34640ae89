import { type DynamicModule, Global, Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { Bus } from '#service/bus.js';
import { AgentSessionController } from './agent-session.controller.js';
import { AdminModule } from './admin/admin.module.js';
import { ApiKeyController } from './api-key.controller.js';
import { ApiKeyGuard } from './api-key.guard.js';
import { AuditStreamController } from './audit-stream.controller.js';
import { AuditExport } from './audit-export.js';
import { AuditExportController } from './audit-export.controller.js';
import { AuditController } from './audit.controller.js';
import { Authentication } from './authentication.js';
import { BearerGuard } from './bearer.guard.js';
import { ConnectLinkController } from './connect-link.controller.js';
import { CredentialCheckController } from './credential-check.controller.js';
import { CONFIG, type GatewayConfig } from './config.js';
import { ConnectionController } from './connection.controller.js';
import { DocumentController } from './document.controller.js';
import { ErasureController } from './erasure.controller.js';
import { HealthController } from './health.controller.js';
import { HouseholdKeys } from './household-keys.js';
import { VerifiedKeys } from './key-cache.js';
import { Idempotency } from './idempotency.js';
import { KeyLease } from './key-lease.js';
import { KeyUsage } from './key-usage.js';
import { Services } from './services.js';
import { LinkEventsController } from './link-events.controller.js';
import { LinkSessionController } from './link-session.controller.js';
import { Links } from './links.service.js';
import { Metrics } from './metrics.js';
import { PagesModule } from './pages/pages.module.js';
import { TokenSealer } from './pages/token-sealer.js';
import { PlatformKeyController } from './platform-key.controller.js';
import { PlatformKeys } from './platform-keys.js';
import { PlatformConnectionController } from './platform-connection.controller.js';
import { PlatformController } from './platform.controller.js';
import { RefusedKeys } from './refused-keys.js';
import { ProjectController } from './project.controller.js';
import { RateLimits } from './rate-limits.js';
import { ReadModelReplays } from './read-model-replays.js';
import { RedirectOrigins } from './redirect-origins.js';
import { ReplayController } from './replay.controller.js';
import { RouteTable } from './route-table.js';
import { SandboxController } from './sandbox.controller.js';
import { ServerController } from './server.controller.js';
import { UserController } from './user.controller.js';
import { VaultController } from './vault.controller.js';
import { WebhookAdmission } from './webhook-admission.js';
import { WebhookController } from './webhook.controller.js';

interface Parts {
  bus: Bus;
  config: GatewayConfig;
  routes: RouteTable;
  metrics: Metrics;
}

const controllers = [
  LinkSessionController,
  LinkEventsController,
  ConnectionController,
  UserController,
  ApiKeyController,
  AuditController,
  AuditExportController,
  ErasureController,
  AuditStreamController,
  ReplayController,
  VaultController,
  PlatformController,
  PlatformKeyController,
  ProjectController,
  ServerController,
  PlatformConnectionController,
  CredentialCheckController,
  ConnectLinkController,
  AgentSessionController,
  WebhookController,
  HealthController,
  DocumentController,
];

/** Global, so that the pages find the bus and the configuration. */
@Global()
@Module({})
export class GatewayModule {
  static with({ bus, config, routes, metrics }: Parts): DynamicModule {
    return {
      module: GatewayModule,
      imports: [PagesModule, AdminModule],
      controllers: config.SANDBOX ? [...controllers, SandboxController] : controllers,
      providers: [
        { provide: Bus, useValue: bus },
        { provide: CONFIG, useValue: config },
        { provide: RouteTable, useValue: routes },
        { provide: Metrics, useValue: metrics },
        KeyLease,
        VerifiedKeys,
        RateLimits,
        KeyUsage,
        RefusedKeys,
        Authentication,
        Services,
        AuditExport,
        ReadModelReplays,
        HouseholdKeys,
        PlatformKeys,
        Links,
        Idempotency,
        TokenSealer,
        RedirectOrigins,
        WebhookAdmission,
        { provide: APP_GUARD, useClass: ApiKeyGuard },
        { provide: APP_GUARD, useClass: BearerGuard },
      ],
      exports: [
        ...[Bus, CONFIG, Services, TokenSealer],
        ...[HouseholdKeys, PlatformKeys, Links, AuditExport, ReadModelReplays, RedirectOrigins],
      ],
    };
  }
}
