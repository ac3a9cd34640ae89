import type { Pool } from 'pg';
import type { DataSource } from 'typeorm';

/** TypeORM's own pool, of which its types do not tell. */
export const poolOf = ({ driver }: DataSource): Pool => (driver as unknown as { master: Pool }).master;
