import type { OnApplicationShutdown } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import type { PartHealth } from '#contracts/subjects.js';
import { type EventStoreDBClient, serverVersion } from '#eventstore/client.js';
import { Feed } from '#eventstore/feed.js';
import { headOf } from '#eventstore/follow.js';
import { type OnApplied, Projector } from '#eventstore/projector.js';
import { sealWith } from '#eventstore/personal-text.js';
import { SubjectKeyRow, SubjectKeys } from '#eventstore/subject-keys.js';
import type { View } from '#eventstore/view.js';
import type { Bus } from './bus.js';
import { logger } from './logger.js';
import { version } from './version.js';

/** The views of this process and whether the parts under it are there. */
export class Store implements OnApplicationShutdown {
  /** For a service whose tables hold them. */
  readonly subjectKeys: SubjectKeys;
  private readonly projectors: Projector[] = [];
  private readonly feeds: Feed[] = [];

  constructor(
    readonly client: EventStoreDBClient,
    readonly dataSource: DataSource,
    private readonly bus: Bus,
  ) {
    this.subjectKeys = new SubjectKeys(dataSource);
    if (dataSource.hasMetadata(SubjectKeyRow)) sealWith(client, this.subjectKeys);
  }

  /** Keeps `view` in step with the event store from now on. */
  project(view: View, onApplied?: OnApplied): Projector {
    return this.projectTogether([view], onApplied)[0]!;
  }

  /** The same for views that hear of the same streams, over one subscription. */
  projectTogether(views: View[], onApplied?: OnApplied): Projector[] {
    const { client, dataSource } = this;
    const projectors = views.map((view) => new Projector({ dataSource, log: logger }, view, onApplied));
    const feed = new Feed(client, projectors);
    this.projectors.push(...projectors);
    this.feeds.push(feed);
    feed.start();
    return projectors;
  }

  get views(): View[] {
    return this.projectors.map(({ view }) => view);
  }

  /** Resolves when this view shows everything there is. */
  async waitUntilCaughtUp(view: View, signal: AbortSignal): Promise<void> {
    await this.projectors.find((projector) => projector.view === view)?.reachedHead(signal);
  }

  async health(): Promise<PartHealth> {
    const [views, database, eventstore, bus] = await Promise.all([
      Promise.all(this.projectors.map((projector) => projector.health())).catch(() => null),
      this.databaseVersion().catch(() => undefined),
      this.eventStore(),
      this.bus.alive(),
    ]);
    const versions = { latchkey: version, database, eventstore: eventstore.version, bus: this.bus.serverVersion };
    const up = (yes: boolean) => (yes ? 'up' : 'down');
    return {
      status: up(views !== null && eventstore.isUp && bus),
      views: views ?? [],
      parts: { database: up(views !== null), eventstore: up(eventstore.isUp), bus: up(bus) },
      versions: known(versions),
    };
  }

  /** Asked for its version only once it has answered. */
  private async eventStore(): Promise<{ isUp: boolean; version?: string | undefined }> {
    if (!(await answers(headOf(this.client, 1_000)))) return { isUp: false };
    return { isUp: true, version: await serverVersion(this.client).catch(() => undefined) };
  }

  private async databaseVersion(): Promise<string | undefined> {
    const rows = await this.dataSource.query<{ version: string }[]>(`select current_setting('server_version') version`);
    return rows[0]?.version;
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all(this.feeds.map((feed) => feed.stop()));
  }
}

const known = (versions: Record<string, string | undefined>): Record<string, string> =>
  Object.fromEntries(Object.entries(versions).flatMap(([part, said]) => (said === undefined ? [] : [[part, said]])));

const answers = (promise: Promise<unknown>): Promise<boolean> =>
  promise.then(
    () => true,
    () => false,
  );
