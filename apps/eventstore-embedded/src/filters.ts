import { type ReadReq } from '@eventstore/db-client/generated/streams_pb.js';
import { type StoredEvent } from './log/event.js';
import { InvalidArgument } from './log/refusals.js';

type FilterOptions = ReadReq.Options.FilterOptions;
type Expression = ReadReq.Options.FilterOptions.Expression;

/** Whether a filtered read hands the event out. */
export type Filter = (event: StoredEvent) => boolean;

export const EVERYTHING: Filter = () => true;

/** The search window of a client that names none, as in EventStoreDB. */
const DEFAULT_WINDOW = 32;

/** A filter of stream names or event types, by prefixes or by a regular expression (JavaScript's, not .NET's). */
export function filterFrom(options: FilterOptions): Filter {
  const byType = options.hasEventType();
  const expression = byType ? options.getEventType() : options.getStreamIdentifier();
  if (!expression) throw new InvalidArgument('a filter needs an expression');
  const matches = matcher(expression);
  return byType ? (event) => matches(event.type) : (event) => matches(event.stream);
}

/** After how many events, matching or not, a filtered subscription reports its position. */
export function checkpointInterval(options: FilterOptions): number {
  return options.getCheckpointintervalmultiplier() * (options.hasMax() ? options.getMax() : DEFAULT_WINDOW);
}

function matcher(expression: Expression): (text: string) => boolean {
  const source = expression.getRegex();
  if (source) {
    const regex = compile(source);
    return (text) => regex.test(text);
  }
  const prefixes = expression.getPrefixList();
  return (text) => prefixes.some((prefix) => text.startsWith(prefix));
}

function compile(source: string): RegExp {
  try {
    return new RegExp(source);
  } catch {
    throw new InvalidArgument('the filter is not a regular expression');
  }
}
