import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { SESSION_IDLE_SECONDS, SESSION_SECONDS } from '#contracts/operator.js';

export interface OperatorSession {
  /** The sign-in it began with. */
  sign_in_id: string;
  operator_id: string;
  epoch: number;
}

const LIVES = `seen_at > now() - interval '${SESSION_IDLE_SECONDS} seconds'
  and started_at > now() - interval '${SESSION_SECONDS} seconds'`;
/** A sign of life is written once a minute at most. */
const IS_DUE = `seen_at < now() - interval '1 minute'`;

/** Sessions of the dashboard by the hash of their token. Whether one still counts, the operators' own stream says as well. */
@Injectable()
export class OperatorSessions {
  constructor(private readonly dataSource: DataSource) {}

  async open(tokenHash: string, { sign_in_id, operator_id, epoch }: OperatorSession): Promise<void> {
    await this.dataSource.query(`delete from operator_sessions where not (${LIVES})`);
    await this.dataSource.query(
      'insert into operator_sessions (token_hash, sign_in_id, operator_id, epoch) values ($1, $2, $3, $4)',
      [tokenHash, sign_in_id, operator_id, epoch],
    );
  }

  async find(tokenHash: string, touch: boolean): Promise<OperatorSession | null> {
    const rows = await this.dataSource.query<(OperatorSession & { due: boolean })[]>(
      `select sign_in_id, operator_id, epoch, ${IS_DUE} as due from operator_sessions where token_hash = $1 and ${LIVES}`,
      [tokenHash],
    );
    const [found] = rows;
    if (found?.due && touch) {
      await this.dataSource.query('update operator_sessions set seen_at = now() where token_hash = $1', [tokenHash]);
    }
    return found ?? null;
  }

  async close(tokenHash: string): Promise<void> {
    await this.dataSource.query('delete from operator_sessions where token_hash = $1', [tokenHash]);
  }

  /** Those that began in an earlier epoch of their operator. */
  async closeBefore(operatorId: string, epoch: number): Promise<void> {
    const text = 'delete from operator_sessions where operator_id = $1 and epoch < $2';
    await this.dataSource.query(text, [operatorId, epoch]);
  }

  async closeAllOf(operatorId: string): Promise<void> {
    await this.dataSource.query('delete from operator_sessions where operator_id = $1', [operatorId]);
  }
}
