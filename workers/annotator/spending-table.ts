/** What the entries of a label log have cost, by run and by time: the state of the budgets, kept in the log itself. */
import { addSpending, NOTHING_SPENT, type Spending } from '../../proto/budget.js';

/** What one log entry cost. */
export interface EntrySpending {
  /** When the newest of its questions was asked; Unix time. */
  readonly askedAtMs: number;
  readonly spent: Spending;
  /** Who asked; questions of entries of earlier versions belong to no run. */
  readonly runs: Readonly<Record<string, Spending>>;
}

export class SpendingTable {
  private readonly runs = new Map<string, Spending>();
  private readonly entries: { readonly askedAtMs: number; readonly spent: Spending }[] = [];
  private sum: Spending = NOTHING_SPENT;

  add({ askedAtMs, spent, runs }: EntrySpending): void {
    if (spent.calls === 0) return;
    this.sum = addSpending(this.sum, spent);
    this.entries.push({ askedAtMs, spent });
    for (const [run, part] of Object.entries(runs)) this.runs.set(run, addSpending(this.ofRun(run), part));
  }

  get total(): Spending {
    return this.sum;
  }

  ofRun(run: string): Spending {
    return this.runs.get(run) ?? NOTHING_SPENT;
  }

  /** An entry counts from its newest question, so for up to its own length longer than it need. */
  since(fromMs: number): Spending {
    return this.entries.reduce((sum, { askedAtMs, spent }) => (askedAtMs > fromMs ? addSpending(sum, spent) : sum), NOTHING_SPENT);
  }

  /** Oldest first. */
  entriesSince(fromMs: number): { readonly askedAtMs: number; readonly spent: Spending }[] {
    return this.entries.filter(({ askedAtMs }) => askedAtMs > fromMs).sort((a, b) => a.askedAtMs - b.askedAtMs);
  }
}
