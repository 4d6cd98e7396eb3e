/** From stored segments and rewards to the arrays of one optimiser step: time-major, all segments side by side. */
import type { Table } from 'apache-arrow';
import { columnArray, readTables } from '../../proto/flight/tables.js';
import { LaurelError } from '../../proto/errors.js';
import { BOUNDARY_COLUMNS, checkTable, SEGMENT_COLUMNS as C } from '../../proto/schemas.js';
import type { ObservationSpace } from '../rollout/environments/environment.js';
import { componentOf, decodeRewards, type DecodedRewards } from '../reward/reward-record.js';
import { TOTAL } from '../reward/graph.js';
import type { Network } from './networks/network.js';
import type { TrainingBatch } from './stepper.js';

export interface SegmentBytes {
  readonly segment: Uint8Array;
  readonly reward: Uint8Array;
}

type Values = Uint8Array | Int16Array | Int32Array | Float32Array;
const ARRAYS = { uint8: Uint8Array, int16: Int16Array, int32: Int32Array, float32: Float32Array } as const;

/** @throws LaurelError LAUREL_SCHEMA_MISMATCH, LAUREL_STORE_CORRUPT */
export function assembleBatch(parts: readonly SegmentBytes[], { spaces, stateSize, valueCount: heads, spec: { valueHeads } }: Network, steps: number, environments: number): TrainingBatch {
  const width = parts.length * environments;
  const rows = steps * width;
  const grid = (): Float32Array => new Float32Array(rows);
  const { action } = spaces;
  const batch = {
    observations: Object.fromEntries(Object.entries(spaces.observations).map(([name, space]) => [name, new ARRAYS[space.type](rows * elementsOf(space))])) as Record<string, Values>,
    state: stateSize > 0 ? new Float32Array(width * stateSize) : null,
    keep: grid(),
    action: action.kind === 'discrete' ? new BigInt64Array(rows) : new Float32Array(rows * action.size),
    behaviourLogProb: grid(),
    behaviourValue: new Float32Array(rows * heads),
    bootstrapValue: new Float32Array(rows * heads),
    reward: new Float32Array(rows * heads),
    done: grid(),
    weight: grid(),
  };
  parts.forEach((part, index) => {
    const [transitions, boundary] = readTables(part.segment);
    if (!transitions || !boundary) throw new LaurelError('LAUREL_STORE_CORRUPT', 'expected transitions and boundary in a segment');
    checkTable(transitions, 'segment', [C.step, C.action, C.behaviourLogProb, C.value, C.bootstrapValue, C.terminated, C.truncated]);
    checkTable(boundary, 'segment-boundary', stateSize > 0 ? [BOUNDARY_COLUMNS.stateStart] : []);
    const rewards = decodeRewards(part.reward);
    if (transitions.numRows !== steps * environments || rewards.units !== transitions.numRows) {
      throw new LaurelError('LAUREL_SCHEMA_MISMATCH', `expected ${steps * environments} transitions and as many rewards, got ${transitions.numRows} and ${rewards.units}`);
    }
    const place: Place = { steps, environments, width, offset: index * environments };
    if (batch.state) batch.state.set(columnArray(boundary, BOUNDARY_COLUMNS.stateStart, Float32Array), index * environments * stateSize);
    for (const [name, space] of Object.entries(spaces.observations)) {
      copyRows(columnArray(transitions, C.observationPrefix + name) as Values, batch.observations[name] as Values, elementsOf(space), place);
    }
    copyActions(transitions, batch.action, place);
    copyRows(columnArray(transitions, C.behaviourLogProb, Float32Array), batch.behaviourLogProb, 1, place);
    copyRows(columnArray(transitions, C.value, Float32Array), batch.behaviourValue, heads, place);
    copyRows(columnArray(transitions, C.bootstrapValue, Float32Array), batch.bootstrapValue, heads, place);
    const total = componentOf(rewards, TOTAL);
    copyRows(valueHeads === null ? total.value : headRewards(rewards, Object.values(valueHeads)), batch.reward, heads, place);
    copyRows(Float32Array.from(total.mask), batch.weight, 1, place);
    // The memory of an episode does not reach into the next: its first step has number 0.
    copyRows(Float32Array.from(columnArray(transitions, C.step, Int32Array), (step) => (step === 0 ? 0 : 1)), batch.keep, 1, place);
    const terminated = columnArray(transitions, C.terminated, Uint8Array);
    const truncated = columnArray(transitions, C.truncated, Uint8Array);
    copyRows(Float32Array.from(terminated, (ended, row) => (ended === 1 || truncated[row] === 1 ? 1 : 0)), batch.done, 1, place);
  });
  return batch;
}

interface Place {
  readonly steps: number;
  readonly environments: number;
  /** Columns of the whole batch, and the first one of this segment. */
  readonly width: number;
  readonly offset: number;
}

/** The weighted sum of each head's sources, [units, H]; unknown values add nothing, as in the total. */
function headRewards(rewards: DecodedRewards, heads: readonly { readonly sources: readonly string[] }[]): Float32Array {
  const sums = new Float32Array(rewards.units * heads.length);
  heads.forEach(({ sources }, head) => {
    for (const source of sources) {
      const weight = rewards.body.weights[source] ?? 0;
      if (weight === 0) continue;
      const { value, mask } = componentOf(rewards, source);
      for (let unit = 0; unit < rewards.units; unit++) if (mask[unit] === 1) sums[unit * heads.length + head] = (sums[unit * heads.length + head] as number) + weight * (value[unit] as number);
    }
  });
  return sums;
}

/** Environment-major rows to time-major ones. */
function copyRows<V extends Values>(source: V, target: V, elements: number, { steps, environments, width, offset }: Place): void {
  for (let environment = 0; environment < environments; environment++) {
    for (let step = 0; step < steps; step++) {
      const from = (environment * steps + step) * elements;
      const to = (step * width + offset + environment) * elements;
      if (elements === 1) target[to] = source[from] as number;
      else target.set(source.subarray(from, from + elements) as never, to);
    }
  }
}

function copyActions(transitions: Table, target: BigInt64Array | Float32Array, place: Place): void {
  if (target instanceof Float32Array) {
    copyRows(columnArray(transitions, C.action, Float32Array), target, target.length / (place.steps * place.width), place);
    return;
  }
  const source = columnArray(transitions, C.action, Int32Array);
  const { steps, environments, width, offset } = place;
  for (let environment = 0; environment < environments; environment++) {
    for (let step = 0; step < steps; step++) target[step * width + offset + environment] = BigInt(source[environment * steps + step] as number);
  }
}

function elementsOf(space: ObservationSpace): number {
  return space.shape.reduce((product, size) => product * size, 1);
}
