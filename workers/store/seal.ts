/**
 * Files that hold their own digest. Whoever finds one without a reference (an attempt that was cut short left it behind)
 * can tell whether it is whole before it is used.
 */
import { createHash } from 'node:crypto';

/** Stands where the digest will be; it has the same length. */
export const UNSEALED = `sha256:${'0'.repeat(64)}`;

const MARK_BYTES = UNSEALED.length;

/**
 * Puts the digest of all bytes (read with UNSEALED in its place) where UNSEALED stands. Changes `bytes`.
 * @param from where the search begins: what lies before may hold data that looks like anything
 */
export function seal(bytes: Uint8Array, from = 0): Uint8Array {
  const view = viewOf(bytes);
  const at = view.indexOf(UNSEALED, from, 'latin1');
  if (at < 0) throw new TypeError('expected the place of a digest, found none');
  view.write(digest(view), at, 'latin1');
  return bytes;
}

/** Whether the bytes are what was sealed with `sealed`; they are as before when it returns. */
export function isSealed(bytes: Uint8Array, sealed: unknown, from = 0): boolean {
  if (typeof sealed !== 'string' || sealed.length !== MARK_BYTES) return false;
  const view = viewOf(bytes);
  const at = view.indexOf(sealed, from, 'latin1');
  if (at < 0) return false;
  const hash = createHash('sha256').update(view.subarray(0, at)).update(UNSEALED, 'latin1').update(view.subarray(at + MARK_BYTES));
  return `sha256:${hash.digest('hex')}` === sealed;
}

function digest(view: Buffer): string {
  return `sha256:${createHash('sha256').update(view).digest('hex')}`;
}

function viewOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
