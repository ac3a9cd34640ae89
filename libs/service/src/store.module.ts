import { type DynamicModule, Global, Inject, Module, type OnApplicationShutdown, type Type } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource, type MixedList } from 'typeorm';
import type { ServiceName } from '#contracts/services.js';
import { Checkpoint, ParkedEvent } from '#eventstore/checkpoint.entity.js';
import { connectEventStore, EventStoreDBClient } from '#eventstore/client.js';
import { Bus } from './bus.js';
import { readEnv, storeEnv } from './config.js';
import { databaseOptions, openDatabase } from './database.js';
import { replayMigrations } from './migrations.js';
import { Replays } from './replays.js';
import { serviceController } from './service.controller.js';
import { fromSetting } from './settings-error.js';
import { Store } from './store.js';

interface Tables {
  /** Its first word on the bus. */
  service: ServiceName;
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
    const options = databaseOptions(env.DATABASE_URL, {
      entities: [Checkpoint, ParkedEvent, ...entities],
      migrations: [...replayMigrations, ...Object.values(migrations)],
    });
    const client = {
      provide: EventStoreDBClient,
      useFactory: () => fromSetting('EVENTSTORE_URL', () => connectEventStore(env.EVENTSTORE_URL)),
    };
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
      imports: [
        TypeOrmModule.forRootAsync({ useFactory: () => options, dataSourceFactory: () => openDatabase(options) }),
      ],
      controllers: [serviceController(service)],
      providers: [client, bus, store, replays],
      exports: [client, bus, store],
    };
  }

  async onApplicationShutdown(): Promise<void> {
    await this.client.dispose();
  }
}
