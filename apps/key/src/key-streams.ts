import type { View } from '#eventstore/view.js';

const PREFIXES = ['api_key-', 'project-'];

/** Each view of this service hears of every kind of stream that a reader's own write may be in: one position speaks for all. */
export const hearingAll = (view: View): View => ({ ...view, prefixes: PREFIXES });
