import type { AuthType } from '#contracts/api/servers.js';

const escaped = (text: string): string => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

const inUtc = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' });

const timeText = (moment: string): string => `${inUtc.format(new Date(moment))} UTC`;

const timeTag = (moment: string): string => `<time datetime="${escaped(moment)}">${timeText(moment)}</time>`;

const MOMENTS = /\b\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z/g;

/** What the templates say in many places. */
export const words = {
  /** A moment in UTC, as text. */
  timeText,

  /** A moment, in UTC until the script knows better. HTML. */
  time: (moment: string | null, otherwise = '–'): string => (moment === null ? escaped(otherwise) : timeTag(moment)),

  /** A sentence of the timeline, with its moments as a person reads them. HTML. */
  sentence: (text: string): string =>
    escaped(text).replace(MOMENTS, (moment) => (Number.isNaN(Date.parse(moment)) ? moment : timeTag(moment))),

  /** A number of things: `3 keys`. */
  count: (number: number, one: string, many = `${one}s`): string => `${number} ${number === 1 ? one : many}`,

  capital: (text: string): string => text.charAt(0).toUpperCase() + text.slice(1).replaceAll('_', ' '),

  /** What a state means to a person, and how much it matters. */
  sessionWords: {
    pending: ['Not opened yet', ''],
    active: ['In progress', 'good'],
    consumed: ['Finishing', 'good'],
    completed: ['Completed', 'good'],
    failed: ['Failed', 'bad'],
    expired: ['Expired', ''],
  },
  connectionWords: {
    connected: ['Works', 'good'],
    needs_reauth: ['Needs a new sign-in', 'warn'],
    error: ['The provider reports an error', 'bad'],
    revoked: ['Ended', ''],
  },
  /** How a server of the catalog knows its caller. */
  authWords: {
    api_key: 'API key',
    path_secret: 'Secret in the address',
    two_header: 'Two secrets in headers',
    hmac_signed: 'HMAC signature',
    jwt_ecdsa: 'Signed JWT',
    cert: 'Certificate',
    oauth: 'OAuth',
    none: 'None',
    hosted_link: 'At the bank',
  } satisfies Record<AuthType, string>,
  replayWords: {
    running: ['Under way', ''],
    done: ['Done', 'good'],
    failed: ['Failed', 'bad'],
  },

  initialOf: (text: string): string => [...text][0]?.toUpperCase() ?? '?',
};
