import { expect, it } from '@jest/globals';
import { requestTarget } from './request-target.js';

const token = 'x'.repeat(43);

it.each([
  ['/api/v1/users?a=%61', '/api/v1/users?a=%61'],
  ['/%61pi/v1/%75sers', '/api/v1/users'],
  ['/a%2Fb%20c%C3%A4%2561%zz', '/a%2Fb%20c%C3%A4%2561%zz'],
  ['http://latchkey.example/v1/whoami?x', '/v1/whoami?x'],
  ['HTTPS://latchkey.example:8443', '/'],
  ['http://latchkey.example?x=/', '/?x=/'],
  [`/link/${token}/`, `/link/${token}`],
  [`/link/${token}/?lang=de`, `/link/${token}?lang=de`],
  [`/link/${token}/x/`, `/link/${token}/x/`],
  ['/admin/', '/admin'],
  ['/admin/settings/system/?done=x/', '/admin/settings/system?done=x/'],
  ['/administrators/', '/administrators/'],
  ['*', '*'],
  ['/metrics?x', '/metrics?x'],
  ['/%6detrics?x=%61', '/%256detrics?x=%61'],
  ['/metrics#x', '/metrics%23x'],
  ['http://latchkey.example/m%65trics', '/m%2565trics'],
])('%s asks for %s', (url, target) => {
  expect(requestTarget({ url })).toBe(target);
});
