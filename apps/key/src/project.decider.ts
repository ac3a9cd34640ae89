import { DomainError } from '#contracts/errors.js';
import type {
  ClaimProjectSlug,
  ProjectCommand,
  ProjectEvent,
  ProjectSlugClaimed,
  ProjectTerms,
} from '#contracts/project.js';
import type { Decider } from '#eventstore/decider.js';

export type ProjectState = { status: 'none' } | { status: 'made'; terms: ProjectTerms; origins: string[] };

export const projects: Decider<ProjectState, ProjectCommand, ProjectEvent> = {
  initial: { status: 'none' },

  decide(command, state) {
    if (state.status === 'none') {
      if (command.type !== 'CreateProject') throw new DomainError('NOT_FOUND', 'Project not found');
      return [{ type: 'ProjectCreated', ...command.terms, at: command.now }];
    }
    const { terms, origins } = state;
    switch (command.type) {
      case 'CreateProject':
        if (terms.slug !== command.terms.slug) throw new DomainError('ID_TAKEN');
        return [];

      case 'RenameProject':
        return terms.name === command.name ? [] : [{ type: 'ProjectRenamed', name: command.name, at: command.now }];

      case 'AllowRedirectOrigins':
        if (isSame(origins, command.origins)) return [];
        return [{ type: 'RedirectOriginsAllowed', origins: command.origins, at: command.now }];
    }
  },

  evolve(state, event) {
    if (event.type === 'ProjectCreated') {
      const { type: _type, at: _at, ...terms } = event;
      return { status: 'made', terms, origins: [] };
    }
    if (state.status === 'none') return state;
    switch (event.type) {
      case 'ProjectRenamed':
        return { ...state, terms: { ...state.terms, name: event.name } };
      case 'RedirectOriginsAllowed':
        return { ...state, origins: event.origins };
    }
  },
};

/** Who has the slug, for ever: the one who claimed it first. */
export const projectSlug: Decider<{ holder: ProjectTerms | null }, ClaimProjectSlug, ProjectSlugClaimed> = {
  initial: { holder: null },

  decide({ terms, now }, { holder }) {
    if (holder === null) return [{ type: 'ProjectSlugClaimed', terms, at: now }];
    if (holder.id !== terms.id) throw new DomainError('SLUG_CONFLICT');
    return [];
  },

  evolve: (_state, { terms }) => ({ holder: terms }),
};

const isSame = (one: string[], other: string[]): boolean =>
  one.length === other.length && one.every((origin, place) => origin === other[place]);
