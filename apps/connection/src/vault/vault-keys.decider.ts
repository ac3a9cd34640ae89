import type { VaultCommand, VaultEvent } from '#contracts/vault.js';
import type { Decider } from '#eventstore/decider.js';

/** Each wish to rotate is a fact; there is no rule that could refuse one. */
export const vaultKeys: Decider<null, VaultCommand, VaultEvent> = {
  initial: null,
  decide: ({ type: _type, now, ...facts }) => [{ type: 'VaultRotationRequested', ...facts, at: now }],
  evolve: () => null,
};
