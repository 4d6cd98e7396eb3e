/** What is done to values before they are combined, and to the result: the `shape` of a job. */
import { z } from 'zod';
import type { ErrorCode } from './errors.js';
import type { Granularity } from './granularity.js';
import { partName } from './part-name.js';
import { boundsOf, scheduled, type Scheduled } from './reward-weights.js';
import type { Range } from './source-types.js';

const on = partName.describe('Name of a source, of a named term of `combine`, or total. Operations on one name are done in the order of this list.');

const countDecaySchema = z
  .strictObject({
    op: z.literal('episodic-count-decay'),
    on,
    exponent: z.number().min(0).max(20).default(3).describe('beta in r * N^-beta; N counts the exact message within its episode, this time included.'),
  })
  .describe('r * N^-beta (ONI, arXiv 2410.23022).');

const potentialSchema = z
  .strictObject({
    op: z.literal('potential'),
    on,
    discount: z.number().min(0).max(1).nullable().default(null).describe('gamma; null: `learn.discount`. With another one the best policy may change.'),
    initial: z.number().default(0).describe('Potential of the state in which an episode begins.'),
  })
  .describe('The value is taken as a potential of the state after a step: gamma * phi(s\') - phi(s), phi of a terminal state being 0 (Ng, Harada and Russell 1999). Which policies are best does not change.');

const standardiseSchema = z
  .strictObject({
    op: z.literal('standardise'),
    on,
    by: z.enum(['given', 'group', 'running']).default('given').describe('Mean and deviation: the numbers given; those of the group (completions of one prompt); or those of all batches trained on so far, which the run keeps (the given ones before the first batch).'),
    mean: z.number().default(0).describe('Of given.'),
    deviation: z.number().positive().default(1).describe('Of given.'),
    window: z.int().min(2).max(1_000_000_000).default(1_000_000).describe('Of running: older values fade to the weight of so many.'),
    threshold: z.number().nullable().default(null).describe('A standardised value counts where it is above this, else it is 0; null: always.'),
  })
  .describe('(r - mean) / (deviation + 1e-6).');

const scaleSchema = z
  .strictObject({
    op: z.literal('scale'),
    on,
    factor: scheduled.default(1).describe('Factor: a number, or a schedule by policy version.'),
    shift: scheduled.default(0).describe('Added afterwards.'),
  })
  .describe('r * factor + shift.');

const progressiveSchema = z
  .strictObject({
    op: z.literal('progressive-threshold'),
    on,
    low: scheduled.default(0.5).describe('Below it the value is 0.'),
    high: scheduled.default(0.75).describe('Above it the value is 1.'),
  })
  .describe('0 below `low`, 1 above `high`, r between (Vision-R1, arXiv 2503.18013, with (.5, .75), later (.75, .9)).');

const difficultySchema = z
  .strictObject({
    op: z.literal('difficulty'),
    on,
    label: z
      .strictObject({
        field: partName.nullable().default(null).describe('Field of the ground truth that is the label; null: the ground truth itself.'),
        shares: z.record(z.string().min(1), z.number().positive().max(1)).refine((shares) => Object.keys(shares).length > 0, { message: 'expected at least one label' }).describe('Share of each label among all requests.'),
      })
      .nullable()
      .default(null)
      .describe('Times 1 / (share * number of labels), which is 1 on average; a label that is not listed has 1.'),
    kappa: z.number().min(0).max(100).default(0).describe('Times 1 + kappa * (1 - share of the group that passes).'),
    pass: z.number().default(0.5).describe('A completion passes from this value on.'),
  })
  .describe('More for rare labels and for prompts that are hard. Our own form: the formula of VULPO (arXiv 2511.11896) was not found.');

const clipSchema = z
  .strictObject({ op: z.literal('clip'), on, low: z.number().describe('Lower bound.'), high: z.number().describe('Upper bound.') })
  .refine(({ low, high }) => low < high, { message: 'expected low below high', path: ['high'] })
  .describe('Bounds the value.');

const filterSchema = z
  .strictObject({
    op: z.literal('filter'),
    on,
    low: z.number().nullable().default(null).describe('Values below are unknown from here on; null: none.'),
    high: z.number().nullable().default(null).describe('Values above are unknown from here on; null: none.'),
    confidenceMin: z.number().min(0).max(1).default(0).describe('Values that the source is less sure of are unknown.'),
  })
  .describe('Takes values out: they are masked, not 0.');

const lengthSchema = z
  .strictObject({
    op: z.literal('length'),
    on,
    unit: z.enum(['characters', 'words', 'tokens', 'steps']).default('characters').describe('What the length is counted in; steps and tokens: those of an episode.'),
    target: z.number().positive().describe('Longest length without penalty.'),
    kappa: z.number().min(0).default(1).describe('Weight of the penalty.'),
  })
  .describe('r - kappa * max(0, (L - target) / target). Our own form: that of HARMO (arXiv 2510.05283) was not found.');

export const shapeSchema = z.discriminatedUnion('op', [countDecaySchema, potentialSchema, standardiseSchema, scaleSchema, progressiveSchema, difficultySchema, clipSchema, filterSchema, lengthSchema]);
export type ShapeSpec = z.output<typeof shapeSchema>;
export type ShapeSpecOf<Op extends ShapeSpec['op']> = Extract<ShapeSpec, { op: Op }>;

export interface ShapePlace {
  /** Kind of the source; null: a term or the result. */
  readonly source: string | null;
  /** Whether completions are judged, in groups and against a ground truth. */
  readonly texts: boolean;
  readonly granularity: Granularity;
}
interface ShapeFault {
  readonly message: string;
  readonly code?: ErrorCode;
}

/** Why an operation cannot be done there; undefined: it can. */
export function shapeFault(spec: ShapeSpec, { source, texts, granularity }: ShapePlace): ShapeFault | undefined {
  if (spec.op === 'episodic-count-decay' && source === 'env') return { message: `expected a source that reads messages (model, rule): ${spec.op} counts messages, ${spec.on} is an env source` };
  if (spec.op === 'potential' && granularity !== 'step') return { message: `expected values of each step, whose states have a potential, got values of each ${granularity}`, code: 'LAUREL_REWARD_GRANULARITY' };
  const grouped = (spec.op === 'standardise' && spec.by === 'group') || (spec.op === 'difficulty' && spec.kappa > 0);
  if (grouped && !(texts && granularity === 'episode')) return { message: `expected completions, which are in groups: ${spec.op} compares within a group, ${spec.on} is of each ${granularity}${texts ? '' : ' of an environment without groups'}`, code: 'LAUREL_REWARD_GRANULARITY' };
  if (spec.op === 'standardise' && spec.by === 'running' && granularity !== (texts ? 'episode' : 'step')) return { message: `expected values of the units that the learner trains on: running moments are kept of these, ${spec.on} is of each ${granularity}`, code: 'LAUREL_REWARD_GRANULARITY' };
  if (spec.op === 'difficulty' && spec.label !== null && !texts) return { message: 'expected an environment whose requests have a ground truth (text)', code: 'LAUREL_REWARD_CONTEXT' };
  if (spec.op === 'length') {
    const counted = spec.unit === 'tokens' ? texts && granularity === 'episode' : spec.unit === 'steps' ? !texts && granularity === 'episode' : granularity !== 'token';
    if (!counted) return { message: `expected a value whose length in ${spec.unit} is known, ${spec.on} is of each ${granularity}`, code: 'LAUREL_REWARD_GRANULARITY' };
  }
  return undefined;
}

/** Bounds of the values afterwards; null: not known. @param discount of the learner */
export function shapedRange(spec: ShapeSpec, range: Range | null, discount: number): Range | null {
  if (spec.op === 'clip') return range === null ? [spec.low, spec.high] : [clamp(range[0], spec.low, spec.high), clamp(range[1], spec.low, spec.high)];
  if (range === null) return null;
  const [low, high] = range;
  switch (spec.op) {
    case 'episodic-count-decay':
      return [Math.min(0, low), Math.max(0, high)];
    case 'potential': {
      const gamma = spec.discount ?? discount;
      const [least, most] = [Math.min(low, spec.initial, 0), Math.max(high, spec.initial, 0)];
      return [gamma * least - most, gamma * most - least];
    }
    case 'scale': {
      const corners = productRange(range, bounds(spec.factor));
      const shift = bounds(spec.shift);
      return [corners[0] + shift[0], corners[1] + shift[1]];
    }
    case 'progressive-threshold':
      return [Math.min(0, low), Math.max(1, high)];
    case 'filter':
      return range;
    case 'standardise':
      return spec.by === 'given' ? productRange([low - spec.mean, high - spec.mean], [0, 1 / spec.deviation]) : null;
    case 'difficulty':
    case 'length':
      return null;
    default: {
      const never: never = spec;
      throw new TypeError(`unknown shaping ${JSON.stringify(never)}`);
    }
  }
}

function bounds(value: Scheduled): Range {
  return boundsOf(value) as Range;
}

function productRange(a: Range, b: Range): Range {
  const corners = a.flatMap((x) => b.map((y) => x * y));
  return [Math.min(...corners), Math.max(...corners)];
}

function clamp(value: number, low: number, high: number): number {
  return Math.max(low, Math.min(high, value));
}
