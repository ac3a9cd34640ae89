import { EventStoreDBClient } from '@eventstore/db-client';

/** Also an `@` that is not encoded is the password's: nothing of it may be taken for the host, which is shown. */
const LOGIN = /^([^:]+:\/\/)([^:]+):([^@]+(?:@[^@?]+(?=@))*)@(.*)$/;

/**
 * The client with the login of its connection string on every call. By itself it says its login only over TLS, which our own
 * server has not, and puts the whole string into the warnings about it: here it never knows the login.
 */
export function signedInClient(url: string): EventStoreDBClient {
  const [, scheme, user, password, place] = LOGIN.exec(url.trim()) ?? [];
  if (password === undefined) return EventStoreDBClient.connectionString(url);
  const client = EventStoreDBClient.connectionString(`${scheme}${place}`);
  const login = `${decodeURIComponent(user!)}:${decodeURIComponent(password)}`;
  const authorization = `Basic ${Buffer.from(login).toString('base64')}`;
  const byItself = client['callArguments'];
  client['callArguments'] = (asked, options) => {
    const [metadata, more] = byItself({ ...asked, credentials: undefined }, options);
    metadata.set('authorization', authorization);
    return [metadata, more];
  };
  return client;
}
