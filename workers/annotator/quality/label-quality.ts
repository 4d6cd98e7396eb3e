/** How good the verdicts of a label log are, kept up as the log grows. */
import type { AgreementFigures, LabelQuality } from '../../../proto/quality.js';
import type { LabelTable, LabelView } from '../label-table.js';
import { agreementOf, type Agreement, type Compared } from './agreement.js';
import { driftOfSums } from './drift.js';
import type { LabelledSet } from './labelled-set.js';

/** Reads each label of a table once, however often it is asked. */
export class QualityMeter {
  /** Positive verdicts of the judge among its first n. */
  private readonly sums = [0];
  private read = 0;

  constructor(
    private readonly table: LabelTable,
    /** A probability above it is a positive verdict. */
    private readonly threshold: number,
    private readonly set: LabelledSet | undefined,
  ) {}

  /** @param view of the whole of what the table holds */
  measure(view: LabelView): LabelQuality {
    for (; this.read < view.labels; this.read++) {
      const label = view.byJudge(this.table.textAt(this.read));
      if (label !== undefined) this.sums.push((this.sums.at(-1) as number) + (label.probability > this.threshold ? 1 : 0));
    }
    const { early, late, z } = driftOfSums(this.sums);
    const agreement = this.set && agreementFigures(agreementWith(this.set, (key) => view.byJudge(key)?.probability, this.threshold), this.set);
    return { agreement: agreement ?? null, drift: { early, late, z } };
  }
}

/** @param probabilityOf what the judge said of a message; undefined: nothing */
export function agreementWith({ truth }: LabelledSet, probabilityOf: (key: string) => number | undefined, threshold: number): Agreement {
  const compared: Compared[] = [];
  for (const [key, positive] of truth) {
    const probability = probabilityOf(key);
    if (probability !== undefined) compared.push({ positive, probability });
  }
  return agreementOf(compared, threshold);
}

export function agreementFigures({ count, positives, accuracy, kappa, auc, brier, ece }: Agreement, { truth }: LabelledSet): AgreementFigures {
  return { of: truth.size, count, positives, accuracy, kappa, auc, brier, ece };
}
