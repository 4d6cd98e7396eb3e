/** How long to wait before a request is tried again. */
import { createHash } from 'node:crypto';

export const TRIES_MAX = 4;
const BASE_MS = 250;
const FACTOR = 2;
const WAIT_MAX_MS = 20_000;

/**
 * Milliseconds before try `tried` + 1 (tried >= 1): exponential, times a factor in [0.5, 1) drawn from the message and the
 * try, so that requests that failed together do not come back together, and a repetition waits the same.
 */
export function backoffMs(text: Uint8Array, tried: number): number {
  const draw = createHash('sha256').update(text).update(`#${tried}`).digest().readUInt32LE(0) / 0x100000000;
  return Math.min(BASE_MS * FACTOR ** (tried - 1), WAIT_MAX_MS) * (0.5 + draw / 2);
}

/** The `Retry-After` header in milliseconds (seconds or an HTTP date), at most 20 s; undefined where it says nothing. */
export function retryAfterMs(header: string | null, nowMs: number): number | undefined {
  if (header === null || header.trim() === '') return undefined;
  const seconds = Number(header);
  const waitMs = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - nowMs;
  return Number.isFinite(waitMs) ? Math.min(Math.max(waitMs, 0), WAIT_MAX_MS) : undefined;
}
