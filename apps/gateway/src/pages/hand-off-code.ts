import { createCipheriv, createDecipheriv, hkdfSync, type KeyObject, randomBytes } from 'node:crypto';

const LIFETIME_SECONDS = 120;
const IV = 12;
const TAG = 16;
const TOKEN = 32;
const SHAPE = /^[\w-]{86}$/;

/**
 * Codes that carry a link to another device for two minutes: the token and its time, sealed under a key that the gateways
 * share. Whoever reads one without that key learns nothing; that it is good only once, its session sees to.
 */
export class HandOffCodes {
  static readonly lifetimeSeconds = LIFETIME_SECONDS;

  private constructor(private readonly key: Buffer) {}

  /** The key is made from the one that signs results, which every gateway has already. */
  static from(key: KeyObject): HandOffCodes {
    const secret = key.export({ type: 'pkcs8', format: 'der' });
    return new HandOffCodes(Buffer.from(hkdfSync('sha256', secret, '', 'latchkey hand-off code', 32)));
  }

  seal(token: string, now = Date.now()): string {
    const iv = randomBytes(IV);
    const plain = Buffer.alloc(TOKEN + 4);
    plain.write(token, 'base64url');
    plain.writeUInt32BE(Math.floor(now / 1000) + LIFETIME_SECONDS, TOKEN);
    const cipher = createCipheriv('aes-256-gcm', this.key, iv);
    return Buffer.concat([iv, cipher.update(plain), cipher.final(), cipher.getAuthTag()]).toString('base64url');
  }

  /** The token in a code; null for one that is not ours, is spelled in another way than ours, or whose time is over. */
  open(code: string, now = Date.now()): string | null {
    if (!SHAPE.test(code)) return null;
    const sealed = Buffer.from(code, 'base64url');
    // The last character has spare bits: sixteen texts would be one code, of which only one is known as used.
    if (sealed.toString('base64url') !== code) return null;
    const decipher = createDecipheriv('aes-256-gcm', this.key, sealed.subarray(0, IV), { authTagLength: TAG });
    decipher.setAuthTag(sealed.subarray(-TAG));
    try {
      const plain = Buffer.concat([decipher.update(sealed.subarray(IV, -TAG)), decipher.final()]);
      return plain.readUInt32BE(TOKEN) * 1000 > now ? plain.toString('base64url', 0, TOKEN) : null;
    } catch {
      return null;
    }
  }
}
