/** Objectives that a single step cannot say: the source `spec`. */
import { z } from 'zod';
import { checkExpression, expressionFault } from './expression/check.js';
import { showType, type Type } from './expression/types.js';
import { livenessIn, parseLtl } from './ltl/parse.js';
import { ltlMachine, PROPOSITIONS_MAX } from './ltl/machine.js';
import { sourceFields, unknownField } from './source-fields.js';

const expression = z.string().min(1).max(2_000);
const name = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,31}$/);
const propositions = z.record(name, expression).describe('What is true of a step, by name: a boolean expression over it (docs/jobs.md), for example `contains(text, "key")`.');

const machine = z
  .strictObject({
    kind: z.literal('machine'),
    propositions,
    initial: name.describe('State at the start of each episode.'),
    states: z
      .record(
        name,
        z
          .array(
            z.strictObject({
              when: expression.describe('A boolean expression over the propositions.'),
              to: name.describe('Next state.'),
              reward: z.number().default(0).describe('Paid for this step.'),
            }),
          )
          .max(64),
      )
      .describe('The ways out of each state; the first whose `when` holds is taken, without one the machine stays and pays 0.'),
  })
  .describe('A reward machine (Toro Icarte et al., arXiv 2010.03950).');
const ltl = z
  .strictObject({
    kind: z.literal('ltl'),
    propositions,
    formula: z.string().min(1).max(1_000).describe('Linear temporal logic over finite traces: propositions, `! & | ->`, `X` next, `N` weak next, `F` sometime, `G` always, `U` until, `R` release.'),
    satisfied: z.number().default(1).describe('Paid once, in the step in which nothing can break the formula any more, or at the end of an episode that satisfies it.'),
    violated: z.number().default(0).describe('Paid once, in the step in which nothing can save it any more, or at the end of an episode that does not satisfy it.'),
  })
  .describe('A formula, compiled to a machine. What speaks of runs without end (`G F`, `F G`) is refused.');
const of = expression.describe('The number of each step: an expression over it, for example `env("score")`.');
const functional = z
  .strictObject({
    kind: z.literal('functional'),
    of,
    value: expression.describe('What an episode is worth, paid at its last step: an expression over `sum`, `mean`, `deviation` (population), `least`, `greatest`, `first`, `last`, `steps`.'),
  })
  .describe('A function of the whole episode.');
const sharpe = z
  .strictObject({
    kind: z.literal('sharpe'),
    of,
    periods: z.number().positive().max(1_000_000).default(1).describe('Steps in a year: the ratio is multiplied by its root.'),
    riskFree: z.number().default(0).describe('Subtracted from the number of each step.'),
  })
  .describe('mean / deviation x root of periods over the episode, paid at its last step; deviation of the population. Unknown where nothing varies.');
const differentialSharpe = z
  .strictObject({
    kind: z.literal('differential-sharpe'),
    of,
    rate: z.number().positive().max(1).default(0.01).describe('eta of the moving moments.'),
  })
  .describe('Differential Sharpe ratio of each step (Moody and Saffell 2001); 0 until the moving variance is above 0.');
const averageGain = z
  .strictObject({ kind: z.literal('average-gain'), of })
  .describe('Limit average: the number of the step less the mean of the steps before it in the episode; the first step less 0.');

export const objectiveSchema = z.discriminatedUnion('kind', [machine, ltl, functional, sharpe, differentialSharpe, averageGain]);
export type ObjectiveSpec = z.output<typeof objectiveSchema>;
export type ObjectiveOf<Kind extends ObjectiveSpec['kind']> = Extract<ObjectiveSpec, { kind: Kind }>;

export const specSourceSchema = z
  .strictObject({ kind: z.literal('spec'), ...sourceFields, ...unknownField, objective: objectiveSchema.describe('What is wanted of an episode.'), show: z.boolean().default(false).describe('The policy sees the state of the machine or formula, as one more observation: learning is on the product of both.') })
  .describe('An objective over whole episodes. Its value depends on what came before, which the policy may not see.');

/** Names in the value of a functional. */
export const FUNCTIONAL_NAMES: Readonly<Record<string, Type>> = Object.fromEntries(['sum', 'mean', 'deviation', 'least', 'greatest', 'first', 'last', 'steps'].map((one) => [one, 'number' as const]));

/** Bounds of the values; null: they do not follow from the objective. */
export function objectiveRange(objective: ObjectiveSpec): readonly [number, number] | null {
  const values = objective.kind === 'ltl' ? [0, objective.satisfied, objective.violated] : objective.kind === 'machine' ? [0, ...Object.values(objective.states).flatMap((ways) => ways.map(({ reward }) => reward))] : null;
  return values && [Math.min(...values), Math.max(...values)];
}

type Say = (path: string, message: string) => void;

function expect(wanted: Type, source: string, path: string, say: Say, names?: Readonly<Record<string, Type>>): void {
  try {
    const { type } = checkExpression(source, names);
    if (type !== wanted) say(path, `expected a ${showType(wanted)}, got ${showType(type)}`);
  } catch (error) {
    say(path, expressionFault(source, error));
  }
}

/** What the JSON of an objective cannot say: expressions of the right type, states that exist, formulas that can be compiled. */
export function checkObjective(objective: ObjectiveSpec, path: string, say: Say): void {
  if ('of' in objective) expect('number', objective.of, `${path}.of`, say);
  if (objective.kind === 'functional') expect('number', objective.value, `${path}.value`, say, FUNCTIONAL_NAMES);
  if (objective.kind === 'machine' || objective.kind === 'ltl') {
    for (const [one, source] of Object.entries(objective.propositions)) expect('boolean', source, `${path}.propositions.${one}`, say);
  }
  if (objective.kind === 'machine') checkMachine(objective, path, say);
  if (objective.kind === 'ltl') checkFormula(objective, path, say);
}

function checkMachine({ states, initial, propositions: known }: ObjectiveOf<'machine'>, path: string, say: Say): void {
  const names = Object.keys(states);
  const booleans = Object.fromEntries(Object.keys(known).map((one) => [one, 'boolean' as const]));
  if (!names.includes(initial)) say(`${path}.initial`, `expected one of the states ${names.join(', ')}, got ${initial}`);
  for (const [state, ways] of Object.entries(states)) {
    ways.forEach(({ when, to }, index) => {
      if (!names.includes(to)) say(`${path}.states.${state}.${index}.to`, `expected one of the states ${names.join(', ')}, got ${to}`);
      expect('boolean', when, `${path}.states.${state}.${index}.when`, say, booleans);
    });
  }
}

function checkFormula({ formula, propositions: known }: ObjectiveOf<'ltl'>, path: string, say: Say): void {
  const names = Object.keys(known);
  if (names.length > PROPOSITIONS_MAX) return say(`${path}.propositions`, `expected at most ${PROPOSITIONS_MAX} propositions, got ${names.length}`);
  const reserved = names.find((one) => /^([XNFGUR]|true|false)$/.test(one));
  if (reserved !== undefined) return say(`${path}.propositions.${reserved}`, 'expected another name: it is an operator');
  try {
    const parsed = parseLtl(formula, names);
    const liveness = livenessIn(parsed);
    if (liveness !== undefined) return say(`${path}.formula`, `expected a formula over finite traces, got ${liveness}: it speaks of runs without end, and of an episode it would say only what holds at its last step`);
    ltlMachine(parsed, names);
  } catch (error) {
    say(`${path}.formula`, expressionFault(formula, error));
  }
}
