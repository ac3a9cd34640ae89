import { type EndpointSpec, takesIdempotencyKey } from './endpoint.js';

type Json = Record<string, unknown>;

/** The headers that an endpoint listens to, as parameters. */
export function headerParameters(endpoint: EndpointSpec): Json[] {
  const meant: Record<string, string> = {
    ...endpoint.headers,
    ...(takesIdempotencyKey(endpoint) && { 'Idempotency-Key': IDEMPOTENCY }),
    ...(endpoint.isStream === true && { 'Last-Event-ID': 'The `id` that came last: the stream goes on after it.' }),
  };
  return Object.entries(meant).map(([name, description]) => ({
    ...{ name, in: 'header', required: false, description },
    schema: { type: 'string', ...(name === 'Idempotency-Key' && { minLength: 1, maxLength: 255 }) },
  }));
}

const IDEMPOTENCY =
  'Names this wish of this API key at this path. After a 2xx, the same name with the same body (as a JSON value) gets the ' +
  'same status and bytes for 24 hours, and with another body 409; after a refusal it is carried out anew.';

const requestIdHeader = {
  'X-Request-Id': { schema: { type: 'string' }, description: 'Names this request in the timeline.' },
};

const integerHeader = (description: string) => ({ schema: { type: 'integer' }, description });

const limitHeaders = {
  'X-RateLimit-Limit': integerHeader('Requests of this API key per minute.'),
  'X-RateLimit-Remaining': integerHeader('How many can follow at once.'),
  'X-RateLimit-Reset': integerHeader('Seconds until the whole burst is there again.'),
};

/** There from when the key has been accepted. */
const limitHeadersOf = ({ access }: EndpointSpec) => access !== 'public' && limitHeaders;

const replayedHeader = {
  'Idempotency-Replayed': { schema: { const: 'true' }, description: 'There when this answer was given before.' },
};

const authenticateHeader = (value: string) => ({ 'WWW-Authenticate': { schema: { const: value } } });

const retryHeader = { 'Retry-After': integerHeader('Seconds after which to try again.') };

export const headersOfReply = (endpoint: EndpointSpec): Json => ({
  ...requestIdHeader,
  ...limitHeadersOf(endpoint),
  ...(takesIdempotencyKey(endpoint) && replayedHeader),
  ...endpoint.replyHeaders,
});

/** Without a key, it is a delivery that is refused. */
export const headersOfRefusal = (endpoint: EndpointSpec, status: number): Json => ({
  ...requestIdHeader,
  ...(status === 401
    ? authenticateHeader(endpoint.access === 'public' ? 'Basic realm="webhooks"' : 'Bearer')
    : limitHeadersOf(endpoint)),
  ...([429, 503].includes(status) && retryHeader),
});
