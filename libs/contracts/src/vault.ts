/** How far the vault's data keys have come under the current key-encryption key. */
export interface VaultStatus {
  /** What new credentials are wrapped under. */
  current_epoch: number;
  /** Oldest first; a key without entries may be removed. */
  epochs: { epoch: number; entries: number; has_key: boolean }[];
  /** Entries that are still wrapped under another epoch. */
  remaining: number;
  last_error: string | null;
}

export interface VaultCommand {
  type: 'RequestRotation';
  current_epoch: number;
  remaining: number;
  now: string;
}

export interface VaultEvent {
  type: 'VaultRotationRequested';
  current_epoch: number;
  remaining: number;
  at: string;
}
