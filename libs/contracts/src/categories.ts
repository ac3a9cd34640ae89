/**
 * Every kind of stream there is: `<category>-<id>`. Commands go to these only, the timeline shows those that are
 * `shown`, and a test over a whole system finds streams and events that nobody has named here or given a sentence.
 */
export const categories = {
  link_session: 'shown',
  connection: 'shown',
  user: 'shown',
  api_key: 'shown',
  agent_session: 'shown',
  connect_link: 'shown',
  vault: 'shown',
  project: 'shown',
  operators: 'shown',
  sign_in: 'shown',
  view_replay: 'shown',
  /** Who holds an e-mail address, a project's slug, or a place for one connection: bookkeeping behind a fact that is shown elsewhere. */
  user_email: 'internal',
  connection_slot: 'internal',
  project_slug: 'internal',
} as const satisfies Record<string, 'shown' | 'internal'>;

export type Category = keyof typeof categories;

export const shownCategories = (Object.keys(categories) as Category[]).filter((name) => categories[name] === 'shown');

/** The category of a stream's name, also when nobody knows it. */
export const categoryOf = (stream: string): string => stream.slice(0, stream.indexOf('-'));
