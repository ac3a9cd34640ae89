import { collectDefaultMetrics, Counter, Histogram, Registry } from 'prom-client';

const labelNames = ['route', 'method', 'status'] as const;

/** Counts and times requests by the pattern of their route; a path itself may hold a token and is never a label. */
export class Metrics {
  readonly registry = new Registry();
  private readonly requests = new Counter({
    name: 'http_requests_total',
    help: 'HTTP requests that are over; 499: the client left before its answer.',
    labelNames,
    registers: [this.registry],
  });
  private readonly duration = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Time from the head of a request to the last byte of its answer; streams of events are not timed.',
    labelNames,
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    registers: [this.registry],
  });

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }

  /** `ms` is null where the time is not ours. */
  observe(labels: Record<(typeof labelNames)[number], string | number>, ms: number | null): void {
    this.requests.inc(labels);
    if (ms !== null) this.duration.observe(labels, ms / 1000);
  }
}
