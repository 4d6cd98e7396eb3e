/** Jobs put together at random from the parts that a reward can have: most make sense, some must be refused. */
import { CounterRandom } from '../../proto/philox.js';
import { combineSchema, DOWN_RULES, UP_RULES } from '../../proto/reward-combine.js';
import { shapeSchema } from '../../proto/reward-shapes.js';
import { sourceSchema } from '../../proto/reward-sources.js';

type Json = Record<string, unknown>;
export type Workload = 'grid-world' | 'text';

/** Names of all parts in the registry: combinators, operations of shaping, kinds of sources. */
export const COMBINATORS = [...new Set((function opsOf(options: readonly unknown[]): string[] {
  return options.flatMap((option) => {
    const { shape, options: inner } = option as { shape?: { op: { value: string } }; options?: readonly unknown[] };
    return shape ? [shape.op.value] : opsOf(inner ?? []);
  });
})(combineSchema.options))];
export const SHAPES = shapeSchema.options.map((option) => option.shape.op.value);
export const SOURCES = sourceSchema.options.map((option) => option.shape.kind.value);

/** Names that differ, within one job. */
class Names {
  private next = 0;
  constructor(private readonly prefix: string) {}
  fresh(): string {
    return `${this.prefix}${this.next++}`;
  }
}

export class Draw {
  private counter = 0;
  private readonly random: CounterRandom;
  constructor(seed: number) {
    this.random = new CounterRandom(seed, 'verification');
  }
  uniform(): number {
    return this.random.uniform(this.counter++);
  }
  below(count: number): number {
    return Math.floor(this.uniform() * count);
  }
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }
  chance(share: number): boolean {
    return this.uniform() < share;
  }
  number(): number {
    return this.pick([-3, -1, -0.5, 0, 0.25, 0.5, 1, 2, 7]);
  }
}

interface Composer {
  readonly draw: Draw;
  readonly workload: Workload;
  readonly names: Names;
  readonly sources: readonly string[];
}

const ANNOTATOR = { goal: 'get on', prompt: 'grid-v1', judge: { kind: 'scripted' } };
const TEXTS = { 'grid-world': ['wall', 'You see', 'key', 'goal'], text: ['\\{', '"', '1', 'e'] } as const;
const REWARDS = { 'grid-world': ['goal'], text: ['valid', 'correct', 'length', 'format'] } as const;

/** Each kind of source; a kind that is not here is not drawn, and a test says so. */
const SOURCE_MAKERS: Readonly<Record<string, (composer: Pick<Composer, 'draw' | 'workload'>) => Json>> = {
  env: ({ draw, workload }) => (draw.chance(0.25) ? { components: REWARDS[workload].slice(0, 2) } : { component: draw.pick(REWARDS[workload]), ...(draw.chance(0.3) && { clip: null }) }),
  rule: ({ draw, workload }) => ({ rule: draw.chance(0.5) ? { kind: 'regex', pattern: draw.pick(TEXTS[workload]), gives: draw.pick(['found', 'count']) } : { kind: 'first-match', rules: TEXTS[workload].map((pattern) => ({ match: 'regex', pattern, value: draw.number() })) } }),
  model: ({ draw }) => ({ fit: draw.pick(['retrieval', 'retrieval', 'bag-of-words', 'classification']), annotator: ANNOTATOR, unknown: draw.pick(['omit', 'drop']), ...(draw.chance(0.1) && { cache: true }) }),
  novelty: ({ draw }) => ({ bonus: { kind: draw.pick(['count', 'nearest']), of: 'text' } }),
  embedding: ({ draw }) => ({ goal: 'key of the door', ...(draw.chance(0.5) && { threshold: 0.1 }) }),
  judge: ({ draw, workload }) => ({
    mode: draw.pick(workload === 'text' ? ['pointwise', 'pairwise', 'listwise', 'listwise'] : ['pointwise', 'pointwise', 'pointwise', 'pairwise', 'listwise']),
    principle: 'It gets on.',
    judge: draw.pick(judgesOf(TEXTS[workload], draw)),
    swap: draw.chance(0.5),
    unknown: draw.pick(['omit', 'drop']),
    ...(draw.chance(0.1) && { answer: 'binary' }),
  }),
  implicit: ({ draw }) => ({ form: 'confidence', over: draw.pick(['sum', 'mean']) }),
  spec: ({ draw }) => ({ objective: draw.pick([{ kind: 'functional', of: '1', value: 'sum' }, { kind: 'ltl', propositions: { seen: 'contains(text, "e")' }, formula: 'F seen' }, { kind: 'average-gain', of: '1' }]) }),
};

/** By rules; one of them cannot score lists. */
function judgesOf(patterns: readonly string[], draw: Draw): Json[] {
  const rules = { kind: 'scripted', rules: patterns.map((pattern) => ({ pattern, probability: draw.uniform() })), otherwise: 0.5, noise: 0.1 };
  const other = { kind: 'scripted', otherwise: draw.uniform() };
  return [rules, rules, { kind: 'panel', rule: 'votes', judges: [rules, other, rules] }, { kind: 'panel', judges: [rules, { kind: 'embedded' }] }];
}

export function randomJob(seed: number): { readonly workload: Workload; readonly job: Json } {
  const draw = new Draw(seed);
  const workload = draw.pick<Workload>(['grid-world', 'grid-world', 'text']);
  const kinds = SOURCES.filter((kind) => kind in SOURCE_MAKERS);
  const sources = Object.fromEntries(Array.from({ length: 1 + draw.below(4) }, (_, index) => [`s${index}`, randomSource(draw.pick(kinds), draw, workload)]));
  const composer: Composer = { draw, workload, names: new Names('t'), sources: Object.keys(sources) };
  const combine = randomExpression(composer, 3, true) as Json;
  const places = [...composer.sources, ...namesIn(combine), 'total'];
  const shape = Array.from({ length: draw.below(3) }, () => randomShape(composer, draw.pick(places)));
  const text = { environment: { kind: 'text', task: { name: 'json-recipe' } }, policy: { kind: 'transformer', preset: 'tiny' }, learn: { kind: 'group-policy-gradient', groupSize: 4 } };
  const stages = draw.pick([undefined, undefined, { by: 'steps', steps: 3 }, { by: 'message', pattern: 'wall|key' }]);
  const grid = { environment: { kind: 'grid-world' }, ...(stages && { stages }), policy: { preset: 'tiny', ...(combine['op'] === 'vector' && draw.chance(0.8) && { valueHeads: { all: { sources: (combine['of'] as Expression[]).map(termName) } } }) } };
  return { workload, job: { name: 'random', ...(workload === 'text' ? text : grid), sources, shape, combine, stop: { versions: 1 } } };
}

function randomSource(kind: string, draw: Draw, workload: Workload): Json {
  const granularity = draw.chance(0.15) ? { granularity: draw.pick(workload === 'text' ? ['token', 'episode'] : ['step', 'episode', 'episode', 'segment']) } : {};
  return { kind, ...SOURCE_MAKERS[kind]?.({ draw, workload }), ...granularity, ...(draw.chance(0.1) && { range: [-5, 5] }) };
}

type Expression = string | Json;

function termName(expression: Expression): string {
  return typeof expression === 'string' ? expression : ((expression['name'] as string | undefined) ?? 'nameless');
}

function namesIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(namesIn);
  if (typeof value !== 'object' || value === null) return [];
  const { name, op } = value as Json;
  return [...(typeof op === 'string' && typeof name === 'string' ? [name] : []), ...Object.values(value).flatMap(namesIn)];
}

function randomExpression(composer: Composer, depth: number, node = false): Expression {
  const { draw, sources, names } = composer;
  if (!node && (depth === 0 || draw.chance(0.5))) return draw.chance(0.08) ? `${draw.pick(sources)}.goal` : draw.pick(sources);
  const op = draw.pick(COMBINATORS);
  const name = draw.chance(0.7) && !node ? { name: names.fresh() } : {};
  return { op, ...name, ...COMBINATOR_MAKERS[op]?.(composer, depth - 1) };
}

function several(composer: Composer, depth: number, least: number): Expression[] {
  return Array.from({ length: least + composer.draw.below(2) }, () => randomExpression(composer, depth));
}

function randomWeight({ draw, workload }: Composer): unknown {
  if (draw.chance(0.1)) return { points: [[0, draw.number()], [1 + draw.below(5), draw.number()]], between: draw.pick(['linear', 'step']) };
  return draw.chance(workload === 'text' ? 0.1 : 0.02) ? { request: 'care', otherwise: draw.number() } : draw.number();
}

const COMBINATOR_MAKERS: Readonly<Record<string, (composer: Composer, depth: number) => Json>> = {
  linear(composer, depth) {
    const of = composer.draw.chance(0.5) ? several(composer, depth, 1).filter((one) => typeof one !== 'string' || one.includes('.')) : [];
    const terms = [...of.map(termName), ...composer.sources.filter(() => composer.draw.chance(0.7))];
    return { weights: Object.fromEntries(terms.map((term) => [term, randomWeight(composer)])), ...(of.length > 0 && { of }), ...(composer.draw.chance(0.2) && { bias: composer.draw.number() }), ...(composer.draw.chance(0.2) && { unknown: composer.draw.pick(['omit', 'mask']) }) };
  },
  gate(composer, depth) {
    const of = several(composer, depth, 2);
    return { of, by: of.map(() => (composer.draw.chance(0.5) ? composer.draw.number() : randomExpression(composer, 0))), choose: composer.draw.pick(['softmax', 'argmax']) };
  },
  lagrangian(composer, depth) {
    const of = composer.draw.pick(composer.sources);
    const common = { objective: randomExpression(composer, depth), rate: 0.1 };
    if (composer.draw.chance(0.5)) return { ...common, form: 'proxy', constraints: [{ of, threshold: composer.draw.number() }], link: composer.draw.pick(['sigmoid', 'tanh']) };
    return { ...common, form: 'inequality', constraints: [{ of, [composer.draw.pick(['atMost', 'atLeast'])]: composer.draw.number() }], normalise: composer.draw.pick(['none', 'softmax']) };
  },
  nonlinear(composer, depth) {
    const of = several(composer, depth, 2);
    const rule = composer.draw.pick(['signed-geometric-mean', 'min', 'max', 'product', 'lexicographic', 'threshold']);
    return { rule, of, ...(rule === 'lexicographic' && { levels: of.map(() => [0, 1]) }), ...(rule === 'threshold' && { at: composer.draw.number() }) };
  },
  cascade: (composer, depth) => ({
    of: several(composer, depth, 1),
    confidenceMin: composer.draw.pick([0, 0.5, 0.95]),
    otherwise: composer.draw.pick([null, 0, 1]),
    ...(composer.draw.chance(0.4) && { require: [{ of: randomExpression(composer, 0), min: composer.draw.number(), floor: composer.draw.number() }] }),
  }),
  vector: (composer, depth) => ({ of: several(composer, depth, 1) }),
  ensemble: (composer, depth) => ({ of: several(composer, depth, 2), rule: composer.draw.pick(['mean', 'median', 'min', 'pessimistic', 'vote']), membersMin: composer.draw.pick([1, 1, 2]) }),
  assign(composer, depth) {
    const { draw, workload } = composer;
    const [fine, coarse] = workload === 'text' ? ['token', 'episode'] : ['step', 'episode'];
    // There and back again: of the units that the learner trains on.
    const up = { op: 'assign', of: randomExpression(composer, depth), to: coarse, rule: draw.pick(UP_RULES), unknown: draw.pick(['mask', 'omit']) };
    if (workload === 'text') {
      const down = { op: 'assign', of: randomExpression(composer, depth), to: fine, rule: draw.pick(DOWN_RULES.slice(0, 4)), discount: 0.9 };
      return draw.chance(0.7) ? { of: down, to: coarse, rule: draw.pick(UP_RULES) } : { of: draw.pick(composer.sources), to: fine, rule: draw.pick(DOWN_RULES) };
    }
    if (draw.chance(0.2)) return { of: { ...up, to: 'segment' }, to: fine, rule: 'last' };
    return draw.chance(0.7) ? { of: up, to: fine, rule: draw.chance(0.8) ? 'last' : draw.pick(DOWN_RULES) } : { of: randomExpression(composer, depth), to: draw.pick([fine, coarse]), rule: 'last' };
  },
};

function randomShape({ draw }: Composer, on: string): Json {
  const op = draw.pick(SHAPES);
  return { op, on, ...SHAPE_MAKERS[op]?.(draw) };
}

const SHAPE_MAKERS: Readonly<Record<string, (draw: Draw) => Json>> = {
  'episodic-count-decay': (draw) => ({ exponent: draw.pick([0, 1, 3]) }),
  potential: (draw) => ({ initial: draw.number(), ...(draw.chance(0.3) && { discount: 1 }) }),
  standardise: (draw) => ({ by: draw.pick(['given', 'group', 'running']), mean: draw.number(), deviation: 2, threshold: draw.pick([null, 0]) }),
  scale: (draw) => ({ factor: draw.number(), shift: draw.number() }),
  'progressive-threshold': () => ({}),
  difficulty: (draw) => ({ kappa: draw.pick([0, 1]), ...(draw.chance(0.3) && { label: { shares: { a: 0.5 } } }) }),
  clip: () => ({ low: -1, high: 1 }),
  filter: (draw) => ({ low: draw.pick([null, 0]), high: draw.pick([null, 1]), confidenceMin: draw.pick([0, 0.9]) }),
  length: (draw) => ({ target: 5, unit: draw.pick(['characters', 'words', 'tokens', 'steps']) }),
};
