import { expect, it } from '@jest/globals';
import { roleUrl } from './provision.js';

it('a schema’s role signs in as itself, however the administrator is named in the URL', () => {
  const admin = 'postgres://admin:secret@db.example:5433/postgres?user=admin&password=secret&sslmode=require';
  expect(roleUrl(admin, 'key', 'own')).toBe('postgres://latchkey_key:own@db.example:5433/latchkey?sslmode=require');
});
