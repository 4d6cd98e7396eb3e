/**
 * How the sources become one reward: the `combine` of a job, a tree of combinators over sources. A term is the name of a
 * source (or `source.element`), or a combinator again; one with a `name` is stored beside the sources, can be shaped, and its
 * constant weights can be steered as `name.term`.
 */
import { z } from 'zod';
import { GRANULARITIES, type Granularity } from './granularity.js';
import { partName } from './part-name.js';
import { termRef, weightSchema, type Weight } from './reward-weights.js';

export type Expr = string | CombineSpec;
/** As a person writes it: defaults may be left out. */
export type ExprInput = string | { readonly op: string; readonly [key: string]: unknown };

const exprSchema: z.ZodType<Expr, ExprInput> = z
  .lazy(() => z.union([termRef, combineSchema]))
  .meta({ id: 'expression', description: 'The name of a source or term, `name.element` of a vector, or a combinator.' }) as z.ZodType<Expr, ExprInput>;

const name = partName.optional().describe('Under this name it is stored with the rewards, can be shaped, and is a term of the combinator above; names of sources and terms differ.');
const terms = (least: number) => z.array(exprSchema).min(least).max(32);

const linearSchema = z
  .strictObject({
    op: z.literal('linear'),
    name,
    weights: z.record(termRef, weightSchema).describe('Weight of each term by name: a number, a schedule, or what a request asks for; a term that is not named has weight 0.'),
    of: terms(1).optional().describe('Terms that are combinators, and vectors by name. Sources need only stand in `weights`.'),
    bias: z.number().optional().describe('Added to the sum.'),
    unknown: z.enum(['omit', 'mask']).optional().describe('A term that is unknown adds nothing (omit), or makes the sum unknown (mask). Default: what its source says (`unknown`), else omit. A sum below the root of which no term is known is unknown.'),
  })
  .describe('Weighted sum.');

const gateSchema = z
  .strictObject({
    op: z.literal('gate'),
    name,
    of: terms(2).describe('What is chosen among.'),
    by: z.array(z.union([z.number(), exprSchema])).min(2).max(32).describe('A logit for each of them: a number, or a term (context as a source says it).'),
    temperature: z.number().positive().default(1).describe('Logits are divided by it.'),
    choose: z.enum(['softmax', 'argmax']).default('softmax').describe('softmax: weights on the simplex; argmax: the one with the highest logit alone, the first of equals.'),
  })
  .describe('A mixture whose weights depend on the unit. Unknown where a logit is, or a term that has weight.');

const nonlinearBase = { op: z.literal('nonlinear'), name };
const plainRules = ['signed-geometric-mean', 'min', 'max', 'product'] as const;
const plainSchema = z
  .strictObject({
    ...nonlinearBase,
    rule: z.enum(plainRules).describe('signed-geometric-mean: (product of |r|)^(1/n), positive where all are above 0, else negative (KRC of Lucy-SKG, arXiv 2305.15801); min, max, product.'),
    of: terms(1).describe('Terms.'),
  })
  .describe('A function of all terms. Unknown where one of them is.');
const lexicographicSchema = z
  .strictObject({
    ...nonlinearBase,
    rule: z.literal('lexicographic'),
    of: terms(2).describe('Terms, the most important first.'),
    levels: z
      .array(z.tuple([z.number(), z.number()]).refine(([from, to]) => from < to, { message: 'expected the lower bound first' }))
      .min(2)
      .max(32)
      .describe('For each term: where it counts as nothing, and where it is good enough for the next one to count.'),
  })
  .describe('Number of leading terms that are good enough, and how far the next one is on its way: a functional in 0 .. n, later terms count only once all before them are good enough.');
const thresholdSchema = z
  .strictObject({
    ...nonlinearBase,
    rule: z.literal('threshold'),
    of: terms(1).describe('Terms.'),
    at: z.number().describe('What each term must reach.'),
    reached: z.enum(['all', 'any']).default('all').describe('Whether all of them must, or one.'),
    above: z.number().default(1).describe('Value where it is reached.'),
    below: z.number().default(0).describe('Value where it is not.'),
  })
  .describe('One of two values.');

const cascadeSchema = z
  .strictObject({
    op: z.literal('cascade'),
    name,
    of: terms(1).describe('The first one that is known and sure enough gives the value.'),
    confidenceMin: z.number().min(0).max(1).default(0).describe('How sure is enough.'),
    require: z
      .array(z.strictObject({ of: exprSchema.describe('What is looked at.'), min: z.number().describe('What it must reach.'), floor: z.number().describe('The value of the cascade where it does not.') }))
      .max(16)
      .default([])
      .describe('Preconditions, in order; the first that fails gives its floor. Unknown where one is unknown before any fails.'),
    otherwise: z.number().nullable().default(null).describe('Value where no term is known and sure enough; null: unknown.'),
  })
  .describe('Veto and routing.');

const vectorSchema = z
  .strictObject({ op: z.literal('vector'), name, of: terms(1).describe('Elements, each one number with a name.') })
  .describe('No scalarisation: at the root each element is predicted by a value head (`policy.valueHeads`) and the advantages are added.');

const ensembleSchema = z
  .strictObject({
    op: z.literal('ensemble'),
    name,
    of: terms(2).describe('Members: several estimates of the same thing.'),
    rule: z.enum(['mean', 'median', 'min', 'pessimistic', 'vote']).default('mean').describe('pessimistic: mean - kappa * deviation; vote: 1 where more than half of the known members are above `threshold`, else 0.'),
    kappa: z.number().min(0).default(1).describe('Of pessimistic.'),
    threshold: z.number().default(0.5).describe('Of vote.'),
    membersMin: z.int().min(1).max(32).default(1).describe('Known members without which the value is unknown; unknown members are left out.'),
  })
  .describe('One value from several members; how far they differ lowers the confidence: times 1 / (1 + deviation).');

export const DOWN_RULES = ['last', 'every', 'even', 'discounted', 'proportional', 'attributed'] as const;
export const UP_RULES = ['sum', 'mean', 'min', 'max', 'first', 'final'] as const;
/** Rules whose parts add up to the whole. */
export const CONSERVING_RULES: readonly string[] = ['last', 'even', 'proportional', 'sum'];
/** Rules that need nothing that comes after a unit. */
export const CAUSAL_RULES: readonly string[] = ['last'];

const assignSchema = z
  .strictObject({
    op: z.literal('assign'),
    name,
    of: exprSchema.describe('What is brought there.'),
    to: z.enum(GRANULARITIES).describe('The units that get the value.'),
    rule: z
      .enum([...DOWN_RULES, ...UP_RULES])
      .describe(
        'To finer units. last: the whole value to the last one, 0 to the others; every: the value to each; even: an equal share to each; discounted: discount^(units until the last); proportional: shares by `by`; attributed: value * by / scale, and -1 where `by` is below 0 (Sotopia-RL, arXiv 2508.03905). To coarser units: sum, mean, min, max, first, final.',
      ),
    discount: z.number().min(0).max(1).default(1).describe('Of discounted.'),
    by: exprSchema.optional().describe('Of proportional and attributed: a term of the finer units.'),
    scale: z.number().positive().default(3).describe('Of attributed.'),
    unknown: z.enum(['mask', 'omit']).default('mask').describe('To coarser units: an unknown unit makes the value unknown, or is left out (still unknown where no unit is known).'),
    conserve: z.boolean().default(false).describe('Refuse rules whose parts do not add up to the whole.'),
  })
  .describe('Brings a value to units of another granularity.');

const multiplierRate = z.number().positive().max(1000).default(0.05).describe('eta: step of a multiplier for each trained batch. Slower than the policy learns.');
const proxySchema = z
  .strictObject({
    op: z.literal('lagrangian'),
    name,
    form: z.literal('proxy').describe('Formula below.'),
    objective: exprSchema.describe('What is pursued beyond the constraints.'),
    constraints: z
      .array(
        z.strictObject({
          of: exprSchema.describe('A reward with a name.'),
          threshold: z.number().describe('theta: where its mean is held, in its own units, for each unit that the learner trains on.'),
          initial: z.number().default(0).describe('First value of mu.'),
        }),
      )
      .min(1)
      .max(16)
      .describe('Rewards that are held.'),
    link: z.enum(['sigmoid', 'tanh']).default('tanh').describe('lambda of mu: in (0, 1), or in (-1, 1) so that it can push back what is above its threshold.'),
    rate: multiplierRate,
  })
  .describe('Rewards that stand for something are each held at a threshold: (N - sum lambda_i) r_0 + sum lambda_i r_i, mu_i falls by eta d/dmu (lambda_i (J_i - theta_i)) (constrained RLHF, arXiv 2310.04373).');
const inequalitySchema = z
  .strictObject({
    op: z.literal('lagrangian'),
    name,
    form: z.literal('inequality').describe('Formula below.'),
    objective: exprSchema.describe('What is pursued within the constraints.'),
    constraints: z
      .array(
        z
          .strictObject({
            of: exprSchema.describe('A reward or cost with a name.'),
            atMost: z.number().optional().describe('Bound of its mean from above, in its own units, for each unit that the learner trains on.'),
            atLeast: z.number().optional().describe('Bound of its mean from below; one of the two.'),
            initial: z.number().min(0).default(0).describe('First value of the multiplier.'),
          })
          .refine(({ atMost, atLeast }) => (atMost === undefined) !== (atLeast === undefined), { message: 'expected either atMost or atLeast' }),
      )
      .min(1)
      .max(16)
      .describe('Bounds that are kept.'),
    normalise: z.enum(['none', 'softmax']).default('none').describe('softmax: the weights of the objective and of all constraints are a softmax of 0 and the multipliers, so that none outgrows the others.'),
    rate: multiplierRate,
  })
  .describe('Bounds in natural units: r_0 - sum lambda_i C_i (plus, where at least), lambda_i rises by eta (J_i - d_i) while the bound is broken, and never below 0 (as in direct behaviour specification, arXiv 2112.12228).');

export const combineSchema = z.discriminatedUnion('op', [
  linearSchema,
  gateSchema,
  z.discriminatedUnion('form', [proxySchema, inequalitySchema]),
  z.discriminatedUnion('rule', [plainSchema, lexicographicSchema, thresholdSchema]),
  cascadeSchema,
  vectorSchema,
  ensembleSchema,
  assignSchema,
]);

interface Common {
  readonly name?: string | undefined;
}
export interface LinearSpec extends Common {
  readonly op: 'linear';
  readonly weights: Readonly<Record<string, Weight>>;
  readonly of?: readonly Expr[] | undefined;
  readonly bias?: number | undefined;
  readonly unknown?: 'omit' | 'mask' | undefined;
}
export interface GateSpec extends Common {
  readonly op: 'gate';
  readonly of: readonly Expr[];
  readonly by: readonly (number | Expr)[];
  readonly temperature: number;
  readonly choose: 'softmax' | 'argmax';
}
export type NonlinearSpec = Common & { readonly op: 'nonlinear'; readonly of: readonly Expr[] } & (
    | { readonly rule: (typeof plainRules)[number] }
    | { readonly rule: 'lexicographic'; readonly levels: readonly (readonly [number, number])[] }
    | { readonly rule: 'threshold'; readonly at: number; readonly reached: 'all' | 'any'; readonly above: number; readonly below: number }
  );
export interface CascadeSpec extends Common {
  readonly op: 'cascade';
  readonly of: readonly Expr[];
  readonly confidenceMin: number;
  readonly require: readonly { readonly of: Expr; readonly min: number; readonly floor: number }[];
  readonly otherwise: number | null;
}
export interface VectorSpec extends Common {
  readonly op: 'vector';
  readonly of: readonly Expr[];
}
export interface EnsembleSpec extends Common {
  readonly op: 'ensemble';
  readonly of: readonly Expr[];
  readonly rule: 'mean' | 'median' | 'min' | 'pessimistic' | 'vote';
  readonly kappa: number;
  readonly threshold: number;
  readonly membersMin: number;
}
export interface AssignSpec extends Common {
  readonly op: 'assign';
  readonly of: Expr;
  readonly to: Granularity;
  readonly rule: (typeof DOWN_RULES)[number] | (typeof UP_RULES)[number];
  readonly discount: number;
  readonly by?: Expr | undefined;
  readonly scale: number;
  readonly unknown: 'mask' | 'omit';
  readonly conserve: boolean;
}
interface Constraint {
  readonly of: Expr;
  readonly initial: number;
}
export type LagrangianSpec = Common & { readonly op: 'lagrangian'; readonly objective: Expr; readonly rate: number } & (
    | { readonly form: 'proxy'; readonly constraints: readonly (Constraint & { readonly threshold: number })[]; readonly link: 'sigmoid' | 'tanh' }
    | { readonly form: 'inequality'; readonly constraints: readonly (Constraint & { readonly atMost?: number | undefined; readonly atLeast?: number | undefined })[]; readonly normalise: 'none' | 'softmax' }
  );
export type CombineSpec = LinearSpec | GateSpec | LagrangianSpec | NonlinearSpec | CascadeSpec | VectorSpec | EnsembleSpec | AssignSpec;
export type CombineSpecOf<Op extends CombineSpec['op']> = Extract<CombineSpec, { op: Op }>;

/** A term of a combinator: what it is, and where it stands in the job file below the combinator. */
export interface Term {
  readonly expr: Expr;
  readonly path: string;
}

/** All terms of a combinator, in the order in which they are evaluated. A linear sum adds the sources that only stand in its weights. */
export function termsOf(spec: CombineSpec): readonly Term[] {
  const listed = (exprs: readonly Expr[]): Term[] => exprs.map((expr, index) => ({ expr, path: `of.${index}` }));
  switch (spec.op) {
    case 'linear': {
      const own = spec.of ?? [];
      const names = own.map(nameOf);
      return [...listed(own), ...Object.keys(spec.weights).filter((key) => !names.includes(key)).map((expr) => ({ expr, path: `weights.${expr}` }))];
    }
    case 'gate':
      return [...listed(spec.of), ...spec.by.flatMap((expr, index) => (typeof expr === 'number' ? [] : [{ expr, path: `by.${index}` }]))];
    case 'lagrangian':
      return [{ expr: spec.objective, path: 'objective' }, ...spec.constraints.map(({ of }, index) => ({ expr: of, path: `constraints.${index}.of` }))];
    case 'cascade':
      return [...listed(spec.of), ...spec.require.map(({ of }, index) => ({ expr: of, path: `require.${index}.of` }))];
    case 'assign':
      return [{ expr: spec.of, path: 'of' }, ...(spec.by === undefined ? [] : [{ expr: spec.by, path: 'by' }])];
    case 'nonlinear':
    case 'vector':
    case 'ensemble':
      return listed(spec.of);
    default: {
      const never: never = spec;
      throw new TypeError(`unknown combinator ${JSON.stringify(never)}`);
    }
  }
}

/** The name of a term; undefined: it has none. */
export function nameOf(expr: Expr): string | undefined {
  return typeof expr === 'string' ? expr : expr.name;
}

/** Every combinator of a tree, terms before what is made of them. */
export function combinatorsOf(spec: CombineSpec): readonly CombineSpec[] {
  return [...termsOf(spec).flatMap(({ expr }) => (typeof expr === 'string' ? [] : combinatorsOf(expr))), spec];
}

/** Names of the sources (and terms) that a tree reads, each once. */
export function sourcesIn(spec: CombineSpec): ReadonlySet<string> {
  return new Set(combinatorsOf(spec).flatMap((node) => termsOf(node).flatMap(({ expr }) => (typeof expr === 'string' ? [expr.split('.')[0] as string] : []))));
}

/** Constant weights by the name under which they are steered: `term` at the root, `name.term` below it. */
export function constantWeights(combine: CombineSpec): Record<string, number> {
  if (combine.op === 'vector') return { ...Object.fromEntries(combine.of.map((expr) => [nameOf(expr) as string, 1])), ...nested(combine) };
  return { ...(combine.op === 'linear' ? constants(combine, '') : {}), ...nested(combine) };
}

function nested(combine: CombineSpec): Record<string, number> {
  return Object.assign({}, ...combinatorsOf(combine).flatMap((node) => (node !== combine && node.op === 'linear' && node.name !== undefined ? [constants(node, `${node.name}.`)] : []))) as Record<string, number>;
}

function constants({ weights }: LinearSpec, prefix: string): Record<string, number> {
  return Object.fromEntries(Object.entries(weights).flatMap(([term, weight]) => (typeof weight === 'number' ? [[prefix + term, weight] as const] : [])));
}
