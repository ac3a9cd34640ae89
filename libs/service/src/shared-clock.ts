import type { DataSource } from 'typeorm';

/** The time by the clock that all replicas share. What is ended for ever by time is ended by this one: each has its own else. */
export async function sharedNow(dataSource: DataSource): Promise<string> {
  const [row] = await dataSource.query<[{ now: Date }]>('select now()');
  return row.now.toISOString();
}
