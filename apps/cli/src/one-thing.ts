import type { Given } from './arguments.js';

/** A moment in the past: a time, or a position of the timeline. */
export const asOfOption = { 'as-of': 'TIME|POSITION' };

export const named = (id: string | undefined) => ({ params: { path: { id: id! } } });

/** Now, or as it was at a moment. */
export const asOf = (id: string | undefined, option: Given['option']) => ({
  params: { path: { id: id! }, query: { as_of: option['as-of'] } },
});
