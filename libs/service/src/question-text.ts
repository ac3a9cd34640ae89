import type { Context } from '#contracts/envelope.js';

/** A question in the form of Nest's own NATS transport, and beside it how many milliseconds its asker still waits. */
export interface Question {
  pattern: string;
  data: unknown;
  id: string;
  left?: number;
}

/** The clocks of two machines differ, so what counts on the other side is not the deadline but the time left. */
export function textOf(subject: string, data: { context?: Context }): string {
  const question: Question = { pattern: subject, data, id: '1' };
  if (data.context) question.left = data.context.deadline - Date.now();
  return JSON.stringify(question);
}

/** What is asked, with a deadline by the clock of this process. */
export function dataOf({ data, left }: Question): unknown {
  const { context } = data as { context?: Context };
  if (context && left !== undefined) context.deadline = Date.now() + left;
  return data;
}
