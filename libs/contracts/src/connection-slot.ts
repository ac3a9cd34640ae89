/**
 * A place for one live connection: project, environment, server and user. The holder may not exist yet: whoever comes
 * next makes it. Only a holder that has ended for ever is evicted.
 */
export interface SlotCommand {
  type: 'ClaimSlot';
  short_id: string;
  evict?: string;
}
export interface SlotEvent {
  type: 'SlotClaimed';
  short_id: string;
}
