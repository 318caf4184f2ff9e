import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { fail } from '#core/errors/fail.ts';

/** Seals secrets for the catalog with the master key, which only the API holds (build.md "Credentials and channels"). */
export interface Vault {
  /** `owner` names the row: a sealed text moved to another row does not open. */
  seal(text: string, owner: string): Uint8Array;
  /** Throws `secret_unreadable`. */
  open(sealed: Uint8Array, owner: string): string;
}

const nonceBytes = 12;
const tagBytes = 16;

/** AES-256-GCM: 12-byte nonce, 16-byte tag, ciphertext. */
export const openVault = (masterKey: Uint8Array): Vault => ({
  seal: (text, owner) => {
    const nonce = randomBytes(nonceBytes);
    const cipher = createCipheriv('aes-256-gcm', masterKey, nonce).setAAD(Buffer.from(owner));
    const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), body]);
  },
  open: (sealed, owner) => {
    try {
      const nonce = sealed.subarray(0, nonceBytes);
      const decipher = createDecipheriv('aes-256-gcm', masterKey, nonce).setAAD(Buffer.from(owner));
      decipher.setAuthTag(sealed.subarray(nonceBytes, nonceBytes + tagBytes));
      const body = sealed.subarray(nonceBytes + tagBytes);
      return Buffer.concat([decipher.update(body), decipher.final()]).toString('utf8');
    } catch (cause) {
      throw fail('secret_unreadable', { owner }, cause);
    }
  },
});
