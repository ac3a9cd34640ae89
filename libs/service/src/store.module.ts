import { type DynamicModule, Global, Inject, Module, type OnApplicationShutdown, type Type } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource, type MixedList } from 'typeorm';
import { Checkpoint, ParkedEvent } from '#eventstore/checkpoint.entity.js';
import { connectEventStore, EventStoreDBClient } from '#eventstore/client.js';
import { Bus } from './bus.js';
import { readEnv, storeEnv } from './config.js';
import { ViewReplays1700000000000 } from './migrations.js';
import { type ReplayingService, replayController } from './replay.controller.js';
import { Replays } from './replays.js';
import { Store } from './store.js';

interface Tables {
  /** Its first word on the bus. */
  service: ReplayingService;
  entities: Type[];
  migrations: MixedList<Type>;
}

/** The event store, the service's own tables and the bus: what every service but the gateway stands on. */
@Global()
@Module({})
export class StoreModule implements OnApplicationShutdown {
  constructor(@Inject(EventStoreDBClient) private readonly client: EventStoreDBClient) {}

  static with({ service, entities, migrations }: Tables): DynamicModule {
    const env = readEnv(storeEnv);
    const client = { provide: EventStoreDBClient, useFactory: () => connectEventStore(env.EVENTSTORE_URL) };
    const bus = { provide: Bus, useFactory: () => new Bus().connect() };
    const store = {
      provide: Store,
      inject: [EventStoreDBClient, DataSource, Bus],
      useFactory: (events: EventStoreDBClient, tables: DataSource, way: Bus) => new Store(events, tables, way),
    };
    const replays = {
      provide: Replays,
      inject: [Store],
      useFactory: (views: Store) => new Replays(views, service),
    };
    return {
      module: StoreModule,
      imports: [TypeOrmModule.forRoot(databaseOptions(env.DATABASE_URL, { entities, migrations }))],
      controllers: [replayController(service)],
      providers: [client, bus, store, replays],
      exports: [client, bus, store],
    };
  }

  async onApplicationShutdown(): Promise<void> {
    await this.client.dispose();
  }
}

/** pg's own defaults hang for ever on a black-holed connection; these fail in two seconds and heal. */
const databaseOptions = (url: string, { entities, migrations }: Omit<Tables, 'service'>) => ({
  type: 'postgres' as const,
  url,
  entities: [Checkpoint, ParkedEvent, ...entities],
  migrations: [ViewReplays1700000000000, ...Object.values(migrations)],
  migrationsRun: true,
  retryAttempts: 20,
  retryDelay: 500,
  poolSize: 12,
  extra: { connectionTimeoutMillis: 2_000, query_timeout: 2_000, statement_timeout: 1_800, keepAlive: true },
});
