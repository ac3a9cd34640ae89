import type { Context } from '#contracts/envelope.js';

/** A request in the form of Nest's own NATS transport, and beside it how many milliseconds whoever sent it still waits. */
export interface BusRequest {
  pattern: string;
  data: unknown;
  id: string;
  left?: number;
}

/** The clocks of two machines differ, so what counts on the other side is not the deadline but the time left. */
export function encodeRequest(subject: string, data: { context?: Context }): string {
  const request: BusRequest = { pattern: subject, data, id: '1' };
  if (data.context) request.left = data.context.deadline - Date.now();
  return JSON.stringify(request);
}

/** What is asked, with a deadline by the clock of this process. */
export function decodeRequest({ data, left }: BusRequest): unknown {
  const { context } = data as { context?: Context };
  if (context && left !== undefined) context.deadline = Date.now() + left;
  return data;
}
