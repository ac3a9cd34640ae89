import { Column, Entity, type MigrationInterface, PrimaryColumn, type QueryRunner } from 'typeorm';
import type { Category } from '#contracts/categories.js';
import type { EventStoreDBClient } from '#eventstore/client.js';
import { commandHandler } from '#eventstore/command-handler.js';
import type { Decider } from '#eventstore/decider.js';
import { rowPerStream, type View } from '#eventstore/view.js';
import { createProjectionTables } from '#service/migrations.js';
import { contextFor, newTenant } from '#testing/callers.js';

interface Rung {
  type: 'Rung';
  n: number;
}

const bell: Decider<number, { type: 'Ring' }, Rung> = {
  initial: 0,
  decide: (_, n) => [{ type: 'Rung', n: n + 1 }],
  evolve: (_, { n }) => n,
};

@Entity('bells')
export class BellRow {
  @PrimaryColumn('uuid') id!: string;
  @Column('int') n!: number;
}

/** How often each bell was rung. */
export const bells: View = rowPerStream<BellRow, Rung>({
  name: 'bells',
  kind: 'bell',
  entity: BellRow,
  projection: { Rung: ({ n }) => ({ n }) },
});

export class Bells1700000000001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await createProjectionTables(runner);
    await runner.query('create table bells (id uuid primary key, n int not null)');
  }

  down = () => Promise.resolve();
}

export const ring = (client: EventStoreDBClient, id: string) =>
  commandHandler(
    client,
    'bell' as Category,
    bell,
  )({
    id,
    command: { type: 'Ring' },
    context: contextFor(newTenant()),
  });
