import type { KeyObject } from 'node:crypto';
import { openSigningKeys } from '#service/signing-key.js';
import type { PagesSettings } from './settings.js';

type Places = Pick<PagesSettings, 'NODE_ENV' | 'RESULT_SIGNING_KEY_FILE' | 'DATA_DIR'>;

/** The Ed25519 key that signs results: the one given, or one made once in the data folder, readable by its owner only. */
export const openResultKey = ({ NODE_ENV, RESULT_SIGNING_KEY_FILE: file, DATA_DIR: dataDir }: Places): KeyObject =>
  openSigningKeys({ variable: 'RESULT_SIGNING_KEY', name: 'result-signing', NODE_ENV, file, dataDir })[0]!;
