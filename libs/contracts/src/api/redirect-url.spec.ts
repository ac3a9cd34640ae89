import { describe, expect, it } from '@jest/globals';
import { parseRedirectUrl } from './redirect-url.js';

describe('a redirect URL', () => {
  it.each([
    ['https://app.example/done?x=1#y', 'https://app.example/done?x=1#y'],
    ['https://app.example', 'https://app.example/'],
    ['HTTPS://APP.example/', 'https://app.example/'],
    ['https://app.example:8443/', 'https://app.example:8443/'],
    ['http://localhost:3000/cb', 'http://localhost:3000/cb'],
    ['http://127.0.0.1/', 'http://127.0.0.1/'],
    ['http://127.8.9.1/', 'http://127.8.9.1/'],
    ['http://[::1]:3000/', 'http://[::1]:3000/'],
    // What a browser would make of it is what is decided on and kept.
    ['http://127.1/', 'http://127.0.0.1/'],
    ['http://0x7f.1/', 'http://127.0.0.1/'],
    ['http://２１３０７０６４３３/', 'http://127.0.0.1/'],
    ['https:/\\evil', 'https://evil/'],
    ['  https://app.example/ \n', 'https://app.example/'],
    ['https://app.example/a\tb', 'https://app.example/ab'],
    ['https://xn--bcher-kva.example/', 'https://xn--bcher-kva.example/'],
  ])('%j is %j', (sent, kept) => expect(parseRedirectUrl(sent)).toBe(kept));

  it.each([
    'app.example',
    '/done',
    '//app.example/',
    'http://app.example/',
    'http://localhost.evil.example/',
    'http://127.0.0.1.evil.example/',
    'http://128.0.0.1/',
    'http://[::ffff:127.0.0.1]/',
    'http://0.0.0.0/',
    'https://user@app.example/',
    'https://user:password@app.example/',
    'https://:password@app.example/',
    'https://',
    'https://exa mple/',
    'javascript:alert(1)',
    'data:text/html,x',
    'ftp://app.example/',
    'myapp://done',
    `https://app.example/${'x'.repeat(2048)}`,
  ])('%j is refused', (sent) => expect(parseRedirectUrl(sent)).toBeNull());

  it('has the length that it is kept with, percent-encoded', () => {
    const path = (letters: number) => parseRedirectUrl(`https://app.example/${'é'.repeat(letters)}`);
    expect([path(338)?.length, path(339)]).toEqual([2048, null]);
    expect(parseRedirectUrl(`https://app.example/${'\n'.repeat(2048)}`)).toBe('https://app.example/');
  });
});
