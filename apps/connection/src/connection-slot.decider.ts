import type { SlotCommand, SlotEvent } from '#contracts/connection-slot.js';
import { DomainError } from '#contracts/errors.js';
import type { Decider } from '#eventstore/decider.js';

/** Which connection stands, or will stand, at one place, by its short_id: see connection-slots.ts. */
export interface SlotState {
  holder: string | null;
}

export const connectionSlot: Decider<SlotState, SlotCommand, SlotEvent> = {
  initial: { holder: null },

  decide({ short_id, evict }, { holder }) {
    if (holder === short_id) return [];
    if (holder !== null && holder !== evict) throw new DomainError('CONFLICT');
    return [{ type: 'SlotClaimed', short_id }];
  },

  evolve: (_state, { short_id }) => ({ holder: short_id }),
};
