/** Whether one more question may be asked: what the label log says was spent, and what is on its way, against the bounds of the job. */
import { addSpending, BUDGET_SCOPES, BUDGET_UNITS, NOTHING_SPENT, spentOf, type AnnotationBudget, type BudgetParking, type BudgetScope, type BudgetSpec, type BudgetUnit, type BudgetUse, type PriceSpec, type Spending } from '../../proto/budget.js';
import type { SpendingTable } from './spending-table.js';

const HOUR_MS = 3_600_000;

export interface BudgetOptions {
  readonly budget: BudgetSpec | undefined;
  readonly price: PriceSpec | null;
  readonly run: string;
  /** Unix time at which the call began. */
  readonly nowMs: number;
}

/** Questions on their way: sent, or answered and not in the log yet. */
export interface OnTheirWay {
  readonly ofRun: number;
  readonly ofAll: number;
}

/** Made for one call. The hour is that before the call began, and what was spent since. */
export class BudgetGuard {
  private readonly totalAtStart: Spending;
  private readonly hourAtStart: Spending;
  /** The bound that kept a question from being asked. */
  private stoppedBy: { readonly scope: BudgetScope; readonly unit: BudgetUnit; readonly limit: number } | undefined;

  constructor(
    private readonly spending: SpendingTable,
    private readonly options: BudgetOptions,
  ) {
    this.totalAtStart = spending.total;
    this.hourAtStart = options.budget?.hour === undefined ? NOTHING_SPENT : spending.since(options.nowMs - HOUR_MS);
  }

  /** Questions that may be asked now; infinite where nothing bounds them. */
  room(onTheirWay: OnTheirWay): number {
    let room = Number.POSITIVE_INFINITY;
    for (const { scope, unit, limit } of this.bounds()) {
      const spent = this.spent(scope);
      const coming = scope === 'run' ? onTheirWay.ofRun : onTheirWay.ofAll;
      const each = this.cost(unit);
      // Where nothing was asked yet a question costs nobody knows what: one may go.
      const left = limit - spentOf(spent, unit, this.options.price);
      const fits = each > 0 ? Math.floor((left + 1e-9) / each) - coming : left > 0 ? Math.max(1 - coming, 0) : 0;
      if (fits < room) {
        room = Math.max(0, fits);
        if (room === 0) this.stoppedBy = { scope, unit, limit };
      }
    }
    if (room > 0) this.stoppedBy = undefined;
    return room;
  }

  /** Undefined where the job bounds and prices nothing. @param waiting messages that would be asked */
  state(waiting: number): AnnotationBudget | undefined {
    const { budget, price } = this.options;
    if (price === null && Object.keys(budget ?? {}).length === 0) return undefined;
    const uses = BUDGET_SCOPES.flatMap((scope) =>
      BUDGET_UNITS.flatMap((unit): BudgetUse[] => {
        const limit = budget?.[scope]?.[unit] ?? null;
        // What it costs is shown where it is known, bounded or not.
        if (limit === null && !(unit === 'money' && price !== null && scope !== 'hour')) return [];
        return [{ scope, unit, used: spentOf(this.spent(scope), unit, price), limit }];
      }),
    );
    return { uses, parked: waiting > 0 ? this.parked() : null };
  }

  /** By what is logged alone: a question on its way may yet come back unasked, or cost less than the others. */
  private parked(): BudgetParking | null {
    if (this.room({ ofRun: 0, ofAll: 0 }) > 0 || this.stoppedBy === undefined) return null;
    const { scope, unit, limit } = this.stoppedBy;
    const used = spentOf(this.spent(scope), unit, this.options.price);
    return { scope, unit, limit, used, retryAfterMs: scope === 'hour' ? this.untilRoom(unit, limit) : null };
  }

  /** When so much has become older than an hour that a question fits. */
  private untilRoom(unit: BudgetUnit, limit: number): number {
    const { price, nowMs } = this.options;
    const need = this.cost(unit);
    let used = spentOf(this.spent('hour'), unit, price);
    for (const { askedAtMs, spent } of this.spending.entriesSince(nowMs - HOUR_MS)) {
      used -= spentOf(spent, unit, price);
      if (used + need <= limit) return Math.max(1_000, askedAtMs + HOUR_MS - nowMs);
    }
    return HOUR_MS;
  }

  private spent(scope: BudgetScope): Spending {
    if (scope === 'annotator') return this.spending.total;
    if (scope === 'run') return this.spending.ofRun(this.options.run);
    return addSpending(addSpending(this.hourAtStart, this.spending.total), this.totalAtStart, -1);
  }

  /** Of one question, as they have been so far. */
  private cost(unit: BudgetUnit): number {
    if (unit === 'calls') return 1;
    const { total } = this.spending;
    return total.calls === 0 ? 0 : spentOf(total, unit, this.options.price) / total.calls;
  }

  private *bounds(): Generator<{ readonly scope: BudgetScope; readonly unit: BudgetUnit; readonly limit: number }> {
    for (const scope of BUDGET_SCOPES) {
      for (const unit of BUDGET_UNITS) {
        const limit = this.options.budget?.[scope]?.[unit];
        if (limit !== undefined) yield { scope, unit, limit };
      }
    }
  }
}
