/** At which positions of a label log a reward model is made: a pure function of the log, the same for every run. */
export interface MilestoneSpec {
  readonly labelsMin: number;
  readonly labelsEvery: number;
  readonly growth: number;
  /** Only the first; what comes after changes nothing. */
  readonly once?: boolean;
}

export interface Milestones {
  /** Positions, ascending. */
  readonly positions: readonly number[];
  /** Labels at which the next one is due; null: there is none after these. */
  readonly nextLabels: number | null;
}

/**
 * The first position that shows `labelsMin` labels, then each that shows enough new ones since the milestone before it.
 * A later position never changes an earlier milestone. The number of milestones grows with the logarithm of the log.
 * @param labelsAt labels that a position shows, for 0 to `position`; never falling
 */
export function milestones(labelsAt: (position: number) => number, position: number, { labelsMin, labelsEvery, growth, once }: MilestoneSpec): Milestones {
  const positions: number[] = [];
  let due: number | null = labelsMin;
  for (let at = 1; at <= position && due !== null; at++) {
    const labels = labelsAt(at);
    if (labels < due) continue;
    positions.push(at);
    due = once === true ? null : Math.max(labels + labelsEvery, Math.ceil(labels * (1 + growth)));
  }
  return { positions, nextLabels: due };
}
