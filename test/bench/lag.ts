import { Client } from 'pg';
import { type Figures, figuresOf } from './figures.js';
import { paced, type PacedLoad, warm } from './http-load.js';
import { serveJobs } from './worker.js';

export interface LagPlan {
  load: PacedLoad;
  sessionsUrl: string;
  auditUrl: string;
}

export interface Lags {
  mint: Figures;
  /** From the 201 to the moment another session of the database sees the row. */
  sessions: Figures;
  audit: Figures;
}

const SEEN = {
  sessions: 'select id::text as id from link_sessions where id = any($1::uuid[])',
  audit: 'select subject_id as id from audit_entries where subject_id = any($1)',
};

/** Looks for the rows of what was minted, again and again: a lag is found too long by up to one look, never too short. */
class Watch {
  private readonly since = new Map<string, number>();
  private readonly lags: number[] = [];
  private ended = false;

  constructor(
    private readonly database: Client,
    private readonly text: string,
  ) {}

  minted(id: string): void {
    this.since.set(id, performance.now());
  }

  async look(): Promise<Figures> {
    const startedAt = performance.now();
    while (!this.ended || this.since.size > 0) {
      const values = [[...this.since.keys()]];
      const { rows } = await this.database.query<{ id: string }>({ name: 'seen', text: this.text, values });
      const now = performance.now();
      for (const { id } of rows) {
        this.lags.push(now - this.since.get(id)!);
        this.since.delete(id);
      }
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    return figuresOf(this.lags, performance.now() - startedAt);
  }

  end(): void {
    this.ended = true;
  }
}

async function lag({ load, sessionsUrl, auditUrl }: LagPlan): Promise<Lags> {
  await warm(load);
  const databases = [new Client(sessionsUrl), new Client(auditUrl)] as const;
  await Promise.all(databases.map((database) => database.connect()));
  const watches = [new Watch(databases[0], SEEN.sessions), new Watch(databases[1], SEEN.audit)] as const;
  const looking = Promise.all([watches[0].look(), watches[1].look()]);
  const mint = await paced(load, (body) => {
    const { id } = JSON.parse(body) as { id: string };
    for (const watch of watches) watch.minted(id);
  });
  for (const watch of watches) watch.end();
  const [sessions, audit] = await looking;
  await Promise.all(databases.map((database) => database.end()));
  return { mint, sessions, audit };
}

serveJobs({ lag });
