/** What a server says of its limits: the `x-ratelimit-*` headers, as OpenAI and those who follow it send them. Pure. */

/** Longest pause that a header is followed for; after it the server is asked again and may say so again. */
export const PAUSE_MAX_MS = 60_000;

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** `1s`, `6m0s`, `120ms`, `1h2m3.5s`, or seconds as a number; undefined: it says nothing that is known. */
export function durationMs(text: string | null): number | undefined {
  if (text === null) return undefined;
  const trimmed = text.trim();
  if (/^\d+(\.\d+)?$/u.test(trimmed)) return Number(trimmed) * 1_000;
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d))+$/u.test(trimmed)) return undefined;
  return [...trimmed.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/gu)].reduce((sum, [, value, unit]) => sum + Number(value) * UNITS[unit as keyof typeof UNITS], 0);
}

interface Headers {
  get(name: string): string | null;
}

/**
 * How long to leave a server alone after a reply with these headers, in ms: until requests or tokens come back, where what
 * remains does not suffice for one more question. Undefined: it need not be left alone, or does not say how long.
 * @param tokens that a question takes, about
 */
export function pauseMs(headers: Headers, tokens: number): number | undefined {
  const pauses = (['requests', 'tokens'] as const).flatMap((what) => {
    const remaining = headers.get(`x-ratelimit-remaining-${what}`);
    const needed = what === 'requests' ? 1 : Math.max(1, tokens);
    const reset = durationMs(headers.get(`x-ratelimit-reset-${what}`));
    return remaining === null || !/^\d+$/u.test(remaining.trim()) || Number(remaining) >= needed || reset === undefined ? [] : [reset];
  });
  return pauses.length === 0 ? undefined : Math.min(PAUSE_MAX_MS, Math.max(...pauses));
}
