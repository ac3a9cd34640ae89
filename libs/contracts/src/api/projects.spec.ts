import { describe, expect, it } from '@jest/globals';
import { createProjectBody, redirectOriginsBody, slugOfName } from './projects.js';

describe('a slug', () => {
  it.each(['a', '0', 'web-shop', 'a'.repeat(48), 'x-1-y'])('may be %s', (slug) =>
    expect(createProjectBody.parse({ name: 'x', slug }).slug).toBe(slug),
  );

  it.each(['', 'A', 'a_b', '-a', 'a-', 'a--b', 'a b', 'é', 'a'.repeat(49), 'a\n'])('may not be %j', (slug) =>
    expect(createProjectBody.safeParse({ name: 'x', slug }).success).toBe(false),
  );

  it.each([
    ['Web Shop', 'web-shop'],
    ['  Café du Nord! ', 'cafe-du-nord'],
    ['日本', ''],
    ['x'.repeat(80), 'x'.repeat(32)],
    [`${'x'.repeat(31)} yz`, 'x'.repeat(31)],
  ])('is made of the name %j as %j', (name, slug) => expect(slugOfName(name)).toBe(slug));
});

describe('a redirect origin', () => {
  it.each([
    ['https://app.example', 'https://app.example'],
    ['HTTPS://App.Example:443/', 'https://app.example'],
    ['http://localhost:3000', 'http://localhost:3000'],
    ['https://app.example:8443', 'https://app.example:8443'],
    [`https://${'x'.repeat(253)}:65535`, `https://${'x'.repeat(253)}:65535`],
  ])('%s is %s', (sent, origin) =>
    expect(redirectOriginsBody.parse({ origins: [sent, sent] }).origins).toEqual([origin]),
  );

  it.each([
    '',
    'app.example',
    'http://app.example',
    'https://app.example/path',
    'https://app.example/?',
    'https://app.example/#x',
    'https://ada@app.example',
    'https://*.example.com',
    `https://${'x'.repeat(254)}:65535`,
    'javascript:alert(1)',
    'null',
  ])('is not %j', (origin) => expect(redirectOriginsBody.safeParse({ origins: [origin] }).success).toBe(false));

  it('is one of at most 50', () => {
    const many = Array.from({ length: 51 }, (_, n) => `https://a${n}.example`);
    expect(redirectOriginsBody.safeParse({ origins: many }).success).toBe(false);
    expect(redirectOriginsBody.safeParse({ origins: many.slice(1) }).success).toBe(true);
  });
});
