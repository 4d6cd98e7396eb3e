/** What a reward belongs to, from fine to coarse. Pairs, lists and groups are relations over units, not granularities. */
export const GRANULARITIES = ['token', 'step', 'segment', 'episode'] as const;
/**
 * `token` of a generated text · `step`: transition, message, frame · `segment`: utterance, turn, tagged part, stage ·
 * `episode`: a whole trajectory or completion.
 */
export type Granularity = (typeof GRANULARITIES)[number];

/** Whether `a` is coarser than `b`. */
export function isCoarser(a: Granularity, b: Granularity): boolean {
  return GRANULARITIES.indexOf(a) > GRANULARITIES.indexOf(b);
}
