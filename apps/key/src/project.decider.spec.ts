import { describe, it } from '@jest/globals';
import type { ProjectEvent, ProjectSlugClaimed, ProjectTerms } from '#contracts/project.js';
import { specification } from '#testing/given.js';
import { projects, projectSlug } from './project.decider.js';

const given = specification(projects);
const givenSlug = specification(projectSlug);

describe('a project', () => {
  it('is created with the terms it was asked for', () =>
    given().when({ type: 'CreateProject', terms, now: noon }).then(created));

  it('is created once, however often the same wish arrives', () => {
    given(created).when({ type: 'CreateProject', terms, now: later }).thenNothing();
    given(created, renamed).when({ type: 'CreateProject', terms, now: later }).thenNothing();
  });

  it('refuses an id that another project has', () =>
    given(created)
      .when({ type: 'CreateProject', terms: { ...terms, slug: 'other' }, now: later })
      .thenRefused('ID_TAKEN'));

  it('is nothing that can be changed before it was created', () => {
    given().when({ type: 'RenameProject', name: 'x', now: later }).thenRefused('NOT_FOUND');
    given().when({ type: 'AllowRedirectOrigins', origins: [], now: later }).thenRefused('NOT_FOUND');
  });

  it('gets another name', () =>
    given(created).when({ type: 'RenameProject', name: 'Web shop', now: later }).then(renamed));

  it('that has the name already is not changed', () => {
    given(created).when({ type: 'RenameProject', name: 'Shop', now: later }).thenNothing();
    given(created, renamed).when({ type: 'RenameProject', name: 'Web shop', now: later }).thenNothing();
  });

  it('says where its sessions may redirect to', () =>
    given(created)
      .when({ type: 'AllowRedirectOrigins', origins: [app], now: later })
      .then(allowed(app)));

  it('that says so already is not changed', () => {
    given(created).when({ type: 'AllowRedirectOrigins', origins: [], now: later }).thenNothing();
    given(created, allowed(app))
      .when({ type: 'AllowRedirectOrigins', origins: [app], now: later })
      .thenNothing();
  });

  it('takes a shorter, an emptier or another list in place of the one before', () => {
    given(created, allowed(app, shop))
      .when({ type: 'AllowRedirectOrigins', origins: [shop], now: later })
      .then(allowed(shop));
    given(created, allowed(app)).when({ type: 'AllowRedirectOrigins', origins: [], now: later }).then(allowed());
    given(created, allowed(app))
      .when({ type: 'AllowRedirectOrigins', origins: [shop], now: later })
      .then(allowed(shop));
  });
});

describe('a slug', () => {
  it('belongs to who claims it first', () =>
    givenSlug().when({ type: 'ClaimProjectSlug', terms, now: noon }).then(claimed));

  it('is claimed once, however often the same wish arrives', () =>
    givenSlug(claimed).when({ type: 'ClaimProjectSlug', terms, now: later }).thenNothing());

  it('belongs to nobody else afterwards', () =>
    givenSlug(claimed)
      .when({ type: 'ClaimProjectSlug', terms: { ...terms, id: 'prj_fedcba9876543210' }, now: later })
      .thenRefused('SLUG_CONFLICT'));
});

const noon = '2026-01-01T12:00:00.000Z';
const later = '2026-01-01T13:00:00.000Z';
const app = 'https://app.example';
const shop = 'https://shop.example:8443';
const terms: ProjectTerms = {
  id: 'prj_0123456789abcdef',
  org_id: 'org_default',
  name: 'Shop',
  slug: 'shop',
  is_default: false,
};
const created: ProjectEvent = { type: 'ProjectCreated', ...terms, at: noon };
const renamed: ProjectEvent = { type: 'ProjectRenamed', name: 'Web shop', at: later };
const allowed = (...origins: string[]): ProjectEvent => ({ type: 'RedirectOriginsAllowed', origins, at: later });
const claimed: ProjectSlugClaimed = { type: 'ProjectSlugClaimed', terms, at: noon };
