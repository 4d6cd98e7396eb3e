/** What annotation may cost, and what it has: questions, tokens and money for a run, an hour, and an annotator in all. Pure. */
import { z } from 'zod';

export const BUDGET_SCOPES = ['run', 'hour', 'annotator'] as const;
export type BudgetScope = (typeof BUDGET_SCOPES)[number];
export const BUDGET_UNITS = ['calls', 'tokens', 'money'] as const;
export type BudgetUnit = (typeof BUDGET_UNITS)[number];

const limitsSchema = z
  .strictObject({
    calls: z.int().min(0).optional().describe('Questions; a pair that is asked in both orders, or of several judges, is one.'),
    tokens: z.int().min(0).optional().describe('Tokens read and written.'),
    money: z.number().min(0).optional().describe('In the currency of `price`.'),
  })
  .describe('Bounds; what is not named has none.');
export type BudgetLimits = z.output<typeof limitsSchema>;

export const budgetSchema = z
  .strictObject({
    run: limitsSchema.optional().describe('Of one run, by all that the label log says it asked.'),
    hour: limitsSchema.optional().describe('Of any 60 minutes, by all runs of the annotator together; not in lockstep, which may not depend on time.'),
    annotator: limitsSchema.optional().describe('Of all runs of the annotator together, ever.'),
  })
  .describe('At a bound annotation is parked and says which; training goes on with what is known. `laurel steer --budget` raises it. Questions in flight may go beyond a bound on tokens or money, by their own cost.');
export type BudgetSpec = z.output<typeof budgetSchema>;

export const priceSchema = z
  .strictObject({
    inPerMillion: z.number().min(0).describe('For a million tokens read.'),
    outPerMillion: z.number().min(0).describe('For a million tokens written.'),
  })
  .describe('What the judge costs, in any currency.');
export type PriceSpec = z.output<typeof priceSchema>;

/** Sums over entries of a label log. */
export interface Spending {
  readonly calls: number;
  readonly tokensIn: number;
  readonly tokensOut: number;
}
export const NOTHING_SPENT: Spending = { calls: 0, tokensIn: 0, tokensOut: 0 };

export function addSpending(a: Spending, b: Spending, times = 1): Spending {
  return { calls: a.calls + times * b.calls, tokensIn: a.tokensIn + times * b.tokensIn, tokensOut: a.tokensOut + times * b.tokensOut };
}

export function spentOf({ calls, tokensIn, tokensOut }: Spending, unit: BudgetUnit, price: PriceSpec | null): number {
  if (unit === 'calls') return calls;
  if (unit === 'tokens') return tokensIn + tokensOut;
  return price === null ? 0 : (tokensIn * price.inPerMillion + tokensOut * price.outPerMillion) / 1_000_000;
}

/** One bound and how much of it is used; without a bound (null) only the use is shown. */
export interface BudgetUse {
  readonly scope: BudgetScope;
  readonly unit: BudgetUnit;
  readonly used: number;
  readonly limit: number | null;
}

/** Why nothing is asked although messages wait. `retryAfterMs`: when there is room again by itself; null: when the bound is raised. */
export interface BudgetParking extends BudgetUse {
  readonly limit: number;
  readonly retryAfterMs: number | null;
}

export interface AnnotationBudget {
  readonly uses: readonly BudgetUse[];
  readonly parked: BudgetParking | null;
}

/** Bounds of `changed` in the place of those of `before`, each for itself. */
export function withBudget(before: BudgetSpec | undefined, changed: BudgetSpec | undefined): BudgetSpec {
  const merged: Partial<Record<BudgetScope, BudgetLimits>> = {};
  for (const scope of BUDGET_SCOPES) {
    const limits = { ...before?.[scope], ...changed?.[scope] };
    if (Object.keys(limits).length > 0) merged[scope] = limits;
  }
  return merged;
}

/** `budget of the run: 100 of 100 calls are used` */
export function parkingText({ scope, unit, used, limit }: BudgetParking): string {
  const of = { run: 'the run', hour: 'the hour', annotator: 'the annotator' }[scope];
  return `budget of ${of} is used up: ${round(used)} of ${round(limit)} ${unit === 'money' ? 'in money' : unit}`;
}

function round(value: number): string {
  return String(Number(value.toPrecision(6)));
}
