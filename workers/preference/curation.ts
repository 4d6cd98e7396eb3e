/** How a table of pairs is made from another; every row keeps where it came from and what was done to it. */
import type { CurateSpec } from '../../proto/preference-data.js';
import { CHANGES, pairsOf, type Dataset, type Pairs } from './dataset.js';
import type { Scoring } from './scoring.js';
import { rubricTable } from './rubrics.js';
import { mean } from './statistics.js';
import { sigmoid } from './workloads/draw.js';

interface Row {
  readonly pair: number;
  readonly label: number;
  readonly change: number;
  /** 1: the operation picked the pair, whatever it then did. */
  readonly selected: number;
}

/**
 * Columns of the new table besides those of the old: `origin` (pair of the table before), `change` (CHANGES), `strength`
 * (what the operation measured), `selected`. The facts say how many pairs, and planted faults, there were before.
 */
export async function curated(spec: CurateSpec, data: Dataset, scoring: Scoring): Promise<Dataset> {
  if (spec.op === 'represent') return represented(spec, data, scoring);
  if (spec.op === 'rubrics') return rubricTable(spec, data, scoring.options.job.seed);
  const pairs = pairsOf(data, 'curation');
  const names = typeof spec.by === 'string' ? [spec.by] : spec.by;
  const scores: Float32Array[] = [];
  for (const name of names) scores.push(await scoring.scalar(name, data));
  const margins = Array.from({ length: pairs.count }, (_, pair) => scores.map((values) => marginOf(pairs, values, pair)));
  const strength = margins.map((own) => mean(own));
  const rows = chooseRows(spec, pairs, margins, strength, scores[0] as Float32Array);
  return {
    ...data,
    pairs: {
      count: rows.length,
      first: Int32Array.from(rows, ({ pair }) => pairs.first[pair] as number),
      second: Int32Array.from(rows, ({ pair }) => pairs.second[pair] as number),
      label: Float32Array.from(rows, ({ label }) => label),
      columns: {
        ...Object.fromEntries(Object.entries(pairs.columns).map(([name, values]) => [name, Float32Array.from(rows, ({ pair }) => values[pair] as number)])),
        origin: Float32Array.from(rows, ({ pair }) => pair),
        change: Float32Array.from(rows, ({ change }) => change),
        strength: Float32Array.from(rows, ({ pair }) => strength[pair] as number),
        selected: Float32Array.from(rows, ({ selected }) => selected),
      },
    },
    facts: { ...data.facts, pairsBefore: pairs.count, plantedBefore: (pairs.columns['planted'] ?? new Float32Array(0)).reduce((sum, one) => sum + one, 0) },
  };
}

async function represented({ by, column, pairs: most }: Extract<CurateSpec, { op: 'represent' }>, data: Dataset, scoring: Scoring): Promise<Dataset> {
  const { width, values } = await scoring.score(by, data);
  const { pairs } = data;
  const count = Math.min(pairs?.count ?? 0, most ?? Infinity);
  const first = <T extends Int32Array | Float32Array>(of: T): T => of.slice(0, count) as T;
  const kept = pairs && { count, first: first(pairs.first), second: first(pairs.second), label: first(pairs.label), columns: Object.fromEntries(Object.entries(pairs.columns).map(([name, of]) => [name, first(of)])) };
  return { ...data, units: { ...data.units, [column]: { width, values } }, pairs: kept, facts: { ...data.facts, pairsBefore: pairs?.count ?? 0 } };
}

/** Score of what the label prefers, minus the other. */
function marginOf({ first, second, label }: Pairs, scores: Float32Array, pair: number): number {
  const difference = (scores[first[pair] as number] as number) - (scores[second[pair] as number] as number);
  return (label[pair] as number) >= 0.5 ? difference : -difference;
}

function chooseRows(spec: Exclude<CurateSpec, { op: 'represent' | 'rubrics' }>, pairs: Pairs, margins: readonly (readonly number[])[], strength: readonly number[], scores: Float32Array): Row[] {
  const all = strength.map((_, pair) => ({ pair, label: pairs.label[pair] as number, change: CHANGES.kept, selected: 0 }));
  switch (spec.op) {
    case 'consistent':
      return all.filter(({ pair }) => (margins[pair] as readonly number[]).every((margin) => margin > 0));
    case 'gap': {
      const { floor, least } = spec;
      const preferred = (pair: number): number => scores[(pairs.label[pair] as number) >= 0.5 ? (pairs.first[pair] as number) : (pairs.second[pair] as number)] as number;
      return all.filter(({ pair }) => (strength[pair] as number) > least && (floor === null || preferred(pair) >= floor));
    }
    case 'strength': {
      const low = lowest(strength, spec.lowest);
      return all.flatMap((row): Row[] => {
        if (!low.has(row.pair)) return spec.action === 'soften' ? [softened(row, strength[row.pair] as number)] : [row];
        const picked = { ...row, selected: 1 };
        if (spec.action === 'drop') return [];
        if (spec.action === 'flip') return [{ ...picked, label: 1 - row.label, change: CHANGES.flipped }];
        return [spec.action === 'soften' ? softened(picked, strength[row.pair] as number) : picked];
      });
    }
    default: {
      const never: never = spec;
      throw new TypeError(`unknown curation ${JSON.stringify(never)}`);
    }
  }
}

/** The label becomes the probability sigma(strength) of what it preferred. */
function softened(row: Row, strength: number): Row {
  const probability = sigmoid(strength);
  return { ...row, label: row.label >= 0.5 ? probability : 1 - probability, change: CHANGES.softened };
}

/** Pairs with the lowest strength: that share of all, or those below 0. */
function lowest(strength: readonly number[], share: number | null): Set<number> {
  const order = strength.map((value, pair) => ({ value, pair })).sort((a, b) => a.value - b.value || a.pair - b.pair);
  return new Set((share === null ? order.filter(({ value }) => value < 0) : order.slice(0, Math.round(share * order.length))).map(({ pair }) => pair));
}
