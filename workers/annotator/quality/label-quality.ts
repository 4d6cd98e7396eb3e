/** How good the verdicts of a label log are, kept up as the log grows. */
import type { NormalForm } from '../../../proto/judges.js';
import type { AgreementFigures, LabelQuality } from '../../../proto/quality.js';
import type { LabelTable, LabelView } from '../label-table.js';
import { normalKey } from '../normal-form.js';
import { agreementOf, type Agreement, type Compared } from './agreement.js';
import { driftOfSums } from './drift.js';
import type { LabelledSet } from './labelled-set.js';

export interface MeterOptions {
  /** A probability above it is a positive verdict. */
  readonly threshold: number;
  readonly set: LabelledSet | undefined;
  /** Of the annotator: what the labelled messages are looked up by. */
  readonly form: NormalForm;
}

/** Reads each label of a table once, however often it is asked. */
export class QualityMeter {
  /** Positive verdicts of the judge among its first n. */
  private readonly sums = [0];
  private read = 0;

  constructor(
    private readonly table: LabelTable,
    private readonly options: MeterOptions,
  ) {}

  /** @param view of the whole of what the table holds */
  measure(view: LabelView): LabelQuality {
    const { threshold, set, form } = this.options;
    for (; this.read < view.labels; this.read++) {
      const label = view.byJudge(this.table.textAt(this.read));
      if (label !== undefined) this.sums.push((this.sums.at(-1) as number) + (label.probability > threshold ? 1 : 0));
    }
    const { early, late, z } = driftOfSums(this.sums);
    const agreement = set && agreementFigures(agreementWith(set, (key) => view.byJudge(normalKey(form, key))?.probability, threshold), set);
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
