/** Probabilities that mean what they say: a slope and a shift on the logit (Platt 1999), or a slope alone (Guo et al., arXiv 1706.04599). */

/** The calibrated probability is the logistic function of `slope * logit + shift`. */
export interface Calibration {
  readonly slope: number;
  readonly shift: number;
}

export const UNCALIBRATED: Calibration = { slope: 1, shift: 0 };

export function calibrated({ slope, shift }: Calibration, logit: number): number {
  return logistic(slope * logit + shift);
}

export function logistic(z: number): number {
  return z >= 0 ? 1 / (1 + Math.exp(-z)) : Math.exp(z) / (1 + Math.exp(z));
}

/** Fewer examples than this say nothing about a slope. */
const EXAMPLES_MIN = 8;
const STEPS = 50;
/** Pull of the slope towards 1 and the shift towards 0, in examples: separable data would else make them infinite. */
const PRIOR = 1;

/**
 * Newton's method on the cross entropy of held-out labels, with a weak pull towards no change.
 * @param targets 0..1
 */
export function calibrate(logits: readonly number[], targets: readonly number[], kind: 'platt' | 'temperature' | 'none'): Calibration {
  if (kind === 'none' || logits.length < EXAMPLES_MIN) return UNCALIBRATED;
  let slope = 1;
  let shift = 0;
  for (let step = 0; step < STEPS; step++) {
    // Gradient and Hessian in (slope, shift).
    let gs = PRIOR * (slope - 1);
    let gt = PRIOR * shift;
    let hss = PRIOR;
    let hst = 0;
    let htt = PRIOR;
    logits.forEach((logit, index) => {
      const p = logistic(slope * logit + shift);
      const error = p - (targets[index] as number);
      const curvature = p * (1 - p);
      gs += error * logit;
      gt += error;
      hss += curvature * logit * logit;
      hst += curvature * logit;
      htt += curvature;
    });
    const determinant = hss * htt - hst * hst;
    const ds = kind === 'temperature' ? gs / hss : (gs * htt - gt * hst) / determinant;
    const dt = kind === 'temperature' ? 0 : (gt * hss - gs * hst) / determinant;
    slope -= ds;
    shift -= dt;
    if (Math.abs(ds) + Math.abs(dt) < 1e-9) break;
  }
  // A slope below 0 would turn every verdict round: then the labels held out contradict the network, and nothing is corrected.
  return Number.isFinite(slope) && Number.isFinite(shift) && slope > 0 ? { slope, shift } : UNCALIBRATED;
}
