import type { Pool, QueryResultRow } from 'pg';
import type { DataSource } from 'typeorm';

/**
 * A named statement on TypeORM's own pool: the server plans it once per connection, which on a read by key is more
 * than twice as fast as the same text through the repository.
 */
export const prepared = <Row extends QueryResultRow>(
  dataSource: DataSource,
  name: string | undefined,
  text: string,
) => {
  return async (values: unknown[]): Promise<Row[]> => {
    const { master: pool } = dataSource.driver as unknown as { master: Pool };
    return (await pool.query<Row>({ name, text, values })).rows;
  };
};
