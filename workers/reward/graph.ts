/** The reward expression of a job, compiled: sources, shaping of each, the tree of combinators, shaping of the result. Pure. */
import type { Job } from '../../proto/job.js';
import { momentsOf, type Moments } from '../../proto/moments.js';
import { baseOf, discountOf, TOTAL_NAME } from '../../proto/reward-check.js';
import { combinatorsOf, nameOf, termsOf, type CombineSpec, type Expr } from '../../proto/reward-combine.js';
import type { RewardState } from '../../proto/reward-state.js';
import { REWARD_STATUS } from '../../proto/schemas.js';
import { sourceTypeOf } from '../../proto/source-types.js';
import { maskUnit, type NodeValue, type Operand } from './combinators/combinator.js';
import { linearSum } from './combinators/linear.js';
import { combine } from './combinators/registry.js';
import { selectUnits, type RewardColumn } from './reward-column.js';
import { applyShape, historyOfShape } from './shaping/registry.js';
import { compileSource } from './sources/registry.js';
import { columnsOf, HISTORIES, type CompiledSource, type History, type SourceContext } from './sources/source.js';
import { levelOf, type Units } from './units.js';

/** Name of the combined reward, the last component. */
export const TOTAL = TOTAL_NAME;

export type RewardParts = Pick<Job, 'environment' | 'sources' | 'shape' | 'combine' | 'learn'>;
type Weights = Readonly<Record<string, number>>;
type Contexts = Readonly<Record<string, SourceContext>>;

/** What one evaluation goes through. */
interface Pass {
  readonly units: Units;
  readonly weights: Weights;
  readonly state: RewardState | undefined;
  readonly moments: Record<string, Moments>;
  /** Sources and named terms, after shaping. */
  readonly values: Map<string, NodeValue>;
}

export class RewardGraph {
  /**
   * Names of the columns, of what has a value for each unit that the learner trains on: each source after shaping in the order of
   * the job, each named term, and last the total. Elements of a vector are told as `name.element`.
   */
  readonly components: readonly string[];
  /** How much of the episodes before a batch its values depend on. */
  readonly history: History;
  /** Numbers of units that sources read. */
  readonly numbers: readonly string[];
  private readonly sources: ReadonlyMap<string, CompiledSource>;
  /** Names with a value for each unit of the base, in the order of the components. */
  private readonly stored: readonly string[];

  constructor(private readonly parts: RewardParts) {
    this.sources = new Map(Object.entries(parts.sources).map(([name, spec]) => [name, compileSource(name, spec)]));
    const base = baseOf(parts);
    const shapes = staticShapes(parts);
    this.stored = [...shapes].filter(([, { granularity }]) => granularity === base).map(([name]) => name);
    this.components = [...this.stored.flatMap((name) => labelsOf(name, shapes.get(name)?.elements ?? null)), TOTAL];
    this.history = base === 'step' ? this.neededHistory(shapes) : 'none';
    this.numbers = [...new Set([...this.sources.values()].flatMap(({ numbers }) => numbers ?? []))].sort();
  }

  /** What sources prepare before they are evaluated: asynchronous work. @returns the contexts, completed */
  async prepare(units: Units, contexts: Contexts, work: { readonly signal?: AbortSignal | undefined } = {}): Promise<Contexts> {
    const prepared: Record<string, SourceContext> = {};
    for (const [name, source] of this.sources) {
      const context = { ...contexts[name], units };
      prepared[name] = source.prepare ? { ...context, prepared: await source.prepare(levelOf(units, this.granularityOf(name, units)), context, work) } : context;
    }
    return prepared;
  }

  /**
   * One column for each component. Units of different episodes (and groups) do not depend on each other, and of an episode only on
   * what came before: the values are the same however units are batched.
   * @param contexts labels and reward model by source name, for every source of kind `model`
   * @param weights constants in force; a source that is not named has weight 0
   * @param state what the expression remembers from earlier batches, where it remembers anything
   */
  evaluate(units: Units, contexts: Contexts, weights: Weights, state?: RewardState): RewardColumn[] {
    return [...this.score(units, contexts, weights, state).columns];
  }

  /** As `evaluate`, with the moments of what is standardised by running ones: over the known values of this batch. */
  score(units: Units, contexts: Contexts, weights: Weights, state?: RewardState): { readonly columns: readonly RewardColumn[]; readonly moments: Readonly<Record<string, Moments>> } {
    const pass: Pass = { units, weights, state, moments: {}, values: new Map() };
    for (const [name, source] of this.sources) pass.values.set(name, this.shaped(name, this.sourceValue(name, source, units, contexts[name] ?? {}), pass));
    const total = this.shaped(TOTAL, this.total(pass), pass);
    const columns = [...this.stored.flatMap((name) => (pass.values.get(name) as NodeValue).columns), ...total.columns];
    const { own } = units;
    return { columns: own === undefined ? columns : columns.map((column) => selectUnits(column, own)), moments: pass.moments };
  }

  private sourceValue(name: string, source: CompiledSource, units: Units, context: SourceContext): NodeValue {
    const granularity = this.granularityOf(name, units);
    const level = levelOf(units, granularity);
    const { elements } = sourceTypeOf(this.parts.sources[name] as Job['sources'][string]);
    const columns = columnsOf(source.evaluate(level, { units, ...context }));
    const { range } = this.parts.sources[name] as Job['sources'][string];
    for (const column of columns) {
      for (let unit = 0; unit < level.units; unit++) {
        if (column.mask[unit] === 0) continue;
        const value = column.value[unit] as number;
        // What has not ended may still change; what is no number, or not what was promised, is an error and never a reward.
        if (level.begins[unit] === 0 || level.ends[unit] === 0) maskUnit(column, unit, REWARD_STATUS.pending);
        else if (!Number.isFinite(value) || (range && (value < range[0] || value > range[1]))) maskUnit(column, unit, REWARD_STATUS.error);
      }
    }
    return { granularity, elements, columns };
  }

  private shaped(name: string, value: NodeValue, { units, state, moments }: Pass): NodeValue {
    if (!this.parts.shape.some((shape) => shape.on === name)) return value;
    const level = levelOf(units, value.granularity);
    const columns = value.columns.map((column, element) =>
      this.parts.shape.reduce((before, shape, index) => {
        if (shape.on !== name) return before;
        const key = `${index}.${element}`;
        if (shape.op === 'standardise' && shape.by === 'running') moments[key] = momentsOfKnown(before, units.own);
        return applyShape(shape, before, { level, units, discount: discountOf(this.parts), running: state?.moments[key] });
      }, column),
    );
    return { ...value, columns };
  }

  private total(pass: Pass): NodeValue {
    const value = this.node(this.parts.combine, pass, true);
    if (value.elements === null) return value;
    const terms = this.operands(this.parts.combine, pass).map(({ name, value: { columns }, unknown }) => ({ column: columns[0] as RewardColumn, weight: pass.weights[name as string] ?? 1, unknown }));
    return { granularity: value.granularity, elements: null, columns: [linearSum(terms, levelOf(pass.units, value.granularity).units)] };
  }

  private node(spec: CombineSpec, pass: Pass, root: boolean): NodeValue {
    const prefix = root ? '' : `${spec.name ?? ''}.`;
    const weight = (term: string): number | undefined => (root || spec.name !== undefined ? pass.weights[prefix + term] : undefined);
    const value = combine(spec, this.operands(spec, pass, root), { units: pass.units, root, weight, state: pass.state });
    if (spec.name === undefined) return value;
    const shaped = this.shaped(spec.name, value, pass);
    pass.values.set(spec.name, shaped);
    return shaped;
  }

  private operands(spec: CombineSpec, pass: Pass, root = false): Operand[] {
    const operands = termsOf(spec).map(({ expr }) => ({ name: nameOf(expr), value: this.term(expr, pass), unknown: this.unknownOf(expr) }));
    if (spec.op !== 'linear') return operands;
    // The order of the job, in which sums are made, is that of the sources; a steered run may count sources that the job did not.
    const own = spec.of?.length ?? 0;
    const order = [...this.sources.keys()];
    const named = operands.slice(own).map(({ name }) => name);
    const steered = root ? order.filter((name) => pass.weights[name] !== undefined && !named.includes(name)).map((name) => ({ name, value: this.term(name, pass), unknown: this.unknownOf(name) })) : [];
    const place = (operand: Operand): number => order.indexOf((operand.name as string).split('.')[0] as string);
    return [...operands.slice(0, own), ...[...operands.slice(own), ...steered].sort((a, b) => place(a) - place(b))];
  }

  private term(expr: Expr, pass: Pass): NodeValue {
    if (typeof expr !== 'string') return pass.values.get(expr.name ?? '') ?? this.node(expr, pass, false);
    const [name, element] = expr.split('.') as [string, string?];
    const value = pass.values.get(name) as NodeValue;
    if (element === undefined) return value;
    return { ...value, elements: null, columns: [value.columns[value.elements?.indexOf(element) ?? 0] as RewardColumn] };
  }

  private unknownOf(expr: Expr): Operand['unknown'] {
    const source = typeof expr === 'string' ? this.parts.sources[expr.split('.')[0] as string] : undefined;
    return source !== undefined && 'unknown' in source ? source.unknown : 'omit';
  }

  private granularityOf(name: string, { base }: Units) {
    return this.parts.sources[name]?.granularity ?? base;
  }

  /** An episode that began before the batch is looked at as a whole by whatever speaks of episodes. */
  private neededHistory(shapes: StaticShapes): History {
    const wholes = [...shapes.values()].some(({ granularity }) => granularity !== 'step') || combinatorsOf(this.parts.combine).some((spec) => spec.op === 'assign');
    const wanted = [...this.sources.values()].map(({ history = 'none' }) => history);
    const shaping = this.parts.shape.map(historyOfShape);
    // Each of them looks one unit further back.
    if (shaping.filter((history) => history === 'previous').length > 1) return 'episode';
    return HISTORIES[Math.max(wholes ? HISTORIES.indexOf('episode') : 0, ...[...wanted, ...shaping].map((history) => HISTORIES.indexOf(history)))] as History;
  }
}

type StaticShapes = ReadonlyMap<string, Pick<NodeValue, 'granularity' | 'elements'>>;

/** Granularity and elements of every source and named term, in the order of the components. */
function staticShapes(parts: RewardParts): StaticShapes {
  const base = baseOf(parts);
  const shapes = new Map<string, Pick<NodeValue, 'granularity' | 'elements'>>();
  for (const [name, spec] of Object.entries(parts.sources)) {
    const { granularity = base, elements } = sourceTypeOf(spec);
    shapes.set(name, { granularity, elements });
  }
  const of = (expr: Expr): Pick<NodeValue, 'granularity' | 'elements'> => {
    if (typeof expr === 'string') {
      const [name, element] = expr.split('.') as [string, string?];
      const shape = shapes.get(name) ?? { granularity: base, elements: null };
      return element === undefined ? shape : { ...shape, elements: null };
    }
    const terms = termsOf(expr).map((term) => ({ ...of(term.expr), name: nameOf(term.expr) }));
    const [first = { granularity: base, elements: null }] = terms;
    const shape = {
      granularity: expr.op === 'assign' ? expr.to : first.granularity,
      elements: expr.op === 'vector' ? terms.map(({ name }, index) => name?.split('.').pop() ?? String(index)) : first.elements,
    };
    if (expr.name !== undefined) shapes.set(expr.name, shape);
    return shape;
  };
  of(parts.combine);
  return shapes;
}

function labelsOf(name: string, elements: readonly string[] | null): string[] {
  return elements === null ? [name] : elements.map((element) => `${name}.${element}`);
}

/** Over the units of this batch. @param own undefined: all units */
function momentsOfKnown({ value, mask }: RewardColumn, own: Int32Array | undefined): Moments {
  const units = own ?? value.keys();
  return momentsOf(Array.from(units).flatMap((unit) => (mask[unit] === 1 ? [value[unit] as number] : [])));
}
