import type { Context } from './envelope.js';

/** A row that a replay and the live table do not agree on. */
export interface DriftingRow {
  /** Its primary key; several columns are joined by a space. */
  key: string;
  /** `missing`: only the replay has it. `extra`: no event gives it. `changed`: the columns named differ. */
  kind: 'missing' | 'extra' | 'changed';
  columns: string[];
}

/** What differed at the same position. Counts are of all rows, `rows` names the first hundred. */
export interface Drift {
  missing: number;
  extra: number;
  changed: number;
  rows: DriftingRow[];
}

export type ReplayPhase = 'waiting' | 'building' | 'comparing' | 'swapping' | 'over';

/** The replay of one view. */
export interface ViewReplay {
  id: string;
  service: string;
  view: string;
  /** It compares and changes nothing. */
  verify: boolean;
  state: 'running' | 'done' | 'failed';
  phase: ReplayPhase;
  /** Read from the event store and meant for this view, so far. */
  events: number;
  events_per_second: number;
  /** An estimate; null before there is anything to estimate from. */
  seconds_left: number | null;
  /** Null until it is known. */
  drift: Drift | null;
  /** Events that the replay could not apply either. */
  parked: number;
  error: string | null;
  started_at: string;
  finished_at: string | null;
}

export interface ReplayWish {
  context: Context;
  id: string;
  /** Every view when it is left out. */
  view?: string;
  verify: boolean;
}

export const driftCount = ({ missing, extra, changed }: Drift): number => missing + extra + changed;

/** One stream per replay and view. */
export type ViewReplayEvent =
  | { type: 'ViewReplayStarted'; replay_id: string; view: string; verify: boolean; at: string }
  | { type: 'ViewReplayEnded'; outcome: 'done' | 'failed'; differing: number; at: string };
