import { createPrivateKey, type KeyObject } from 'node:crypto';

/** Copied out of a JSON file or an environment variable, a PEM has its line ends written as two characters. */
export const pem = (text: string): string => text.replaceAll('\\n', '\n');

/** Reads SEC 1 and PKCS #8; throws for what is neither. */
export const privateKey = (text: string): KeyObject => createPrivateKey(pem(text));

export const isP256 = (key: KeyObject): boolean => key.asymmetricKeyDetails?.namedCurve === 'prime256v1';
