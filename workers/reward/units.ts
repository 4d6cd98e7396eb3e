/**
 * What rewards are computed from. A batch (a trajectory segment, a set of completions) has units of one or more
 * granularities, each with its text, ground truth, environment rewards and context; a level lists the units of one
 * granularity, in order of time within their episode. Sources read a level and never know what the batch is made of.
 */
import { LaurelError } from '../../proto/errors.js';
import { GRANULARITIES, type Granularity } from '../../proto/granularity.js';

/** Texts of units, each distinct one once. */
export interface TextColumn {
  /** Index into `texts` for each unit; -1: none. */
  readonly index: Int32Array;
  readonly texts: readonly string[];
}

/** `units * width` numbers, row-major. */
export interface NumberColumn {
  readonly width: number;
  readonly values: Float32Array | Int32Array | Int16Array | Uint8Array;
}

/** JSON values of units, each distinct one once. */
export interface TruthColumn {
  /** Index into `values` for each unit; -1: none. */
  readonly index: Int32Array;
  readonly values: readonly unknown[];
}

/** All arrays have one entry for each unit, unless they say otherwise. */
export interface UnitLevel {
  readonly granularity: Granularity;
  readonly units: number;

  /** The unit's own text (message after the action, turn, completion): index into `texts`; -1: none. */
  readonly textIndex: Int32Array;
  /** Distinct texts. Trajectories: by their lossless key (one character for each byte); completions: as they are. */
  readonly texts: readonly string[];
  /** Times the text was seen in its episode, this time included; 0: no text. */
  readonly textCount: Int32Array;

  /** Environment rewards, row-major, `units * rewardNames.length`; sums over its steps for a coarser unit. */
  readonly envReward: Float32Array;
  readonly rewardNames: readonly string[];

  /** Which episode of this batch: 0-based, non-decreasing. An episode that spans batches has a part in each. */
  readonly episode: Int32Array;
  /** Position in the episode, counted from its true beginning (also where that lies in an earlier batch). */
  readonly position: Int32Array;
  /** Unit of the next coarser level of this batch that holds this one, non-decreasing; null for the coarsest. */
  readonly parent: Int32Array | null;
  /** 1: the unit begins in this batch. */
  readonly begins: Uint8Array;
  /** 1: the unit ends in this batch, nothing of it is still to come. */
  readonly ends: Uint8Array;
  /** 1: after this unit the episode ended by its own rules (no value follows); 0 where it was cut. */
  readonly terminated: Uint8Array;
  /** 1: after this unit the episode ended, by its own rules or cut. */
  readonly done: Uint8Array;
  /** Policy version that made the unit; what schedules run on. */
  readonly policyVersion: Int32Array;

  /** Which group (samples of one prompt) of this batch, non-decreasing; null: units are in no groups. */
  readonly group: Int32Array | null;
  /** Ground truth to judge against; null: the batch has none. */
  readonly truth: TruthColumn | null;
  /** Other texts by name: `prompt`, `reference`, ... */
  readonly strings: Readonly<Record<string, TextColumn>>;
  /** Numbers by name: `observation.<tensor>`, `logprob`, `logprob-reference`, `embedding`, `context.<field>`, ... */
  readonly numbers: Readonly<Record<string, NumberColumn>>;
}

export interface Units {
  /** The granularity that the learner consumes. */
  readonly base: Granularity;
  /** Units of the base that belong to this batch; the others are what came before them in their episodes. Undefined: all do. */
  readonly own?: Int32Array;
  readonly levels: Partial<Readonly<Record<Granularity, UnitLevel>>>;
}

/** @throws LaurelError LAUREL_INVARIANT_VIOLATED where the batch has no units of that granularity */
export function levelOf(units: Units, granularity: Granularity): UnitLevel {
  const level = units.levels[granularity];
  if (level) return level;
  const known = GRANULARITIES.filter((one) => units.levels[one] !== undefined);
  throw new LaurelError('LAUREL_INVARIANT_VIOLATED', `expected units of granularity ${granularity} in this batch, it has ${known.join(', ')}`);
}

/** The text of a unit, or undefined where it has none. */
export function textOf(level: UnitLevel, unit: number): string | undefined {
  const index = level.textIndex[unit] as number;
  return index < 0 ? undefined : level.texts[index];
}

/** The ground truth of a unit (plain JSON), or undefined where it has none. */
export function truthOf(level: UnitLevel, unit: number): unknown {
  const index = level.truth === null ? -1 : (level.truth.index[unit] as number);
  return index < 0 ? undefined : level.truth?.values[index];
}

/**
 * Unit of the coarser level `to` that holds each unit of the finer level `from`.
 * @throws LaurelError LAUREL_INVARIANT_VIOLATED where `to` is not coarser, or a level between them is missing
 */
export function holders(units: Units, from: Granularity, to: Granularity): Int32Array {
  const chain = GRANULARITIES.slice(GRANULARITIES.indexOf(from), GRANULARITIES.indexOf(to) + 1).filter((one) => units.levels[one] !== undefined);
  if (chain[0] !== from || chain[chain.length - 1] !== to) throw new LaurelError('LAUREL_INVARIANT_VIOLATED', `expected units of ${from} and of the coarser ${to} in this batch`);
  let at = Int32Array.from({ length: levelOf(units, from).units }, (_, unit) => unit);
  for (const granularity of chain.slice(0, -1)) {
    const parent = levelOf(units, granularity).parent;
    if (parent === null) throw new LaurelError('LAUREL_INVARIANT_VIOLATED', `expected a parent for each ${granularity}`);
    at = at.map((unit) => parent[unit] as number);
  }
  return at;
}

export type UnitLevelFields = Pick<UnitLevel, 'granularity' | 'units'> & Partial<UnitLevel>;

/** A level with what is given, and for the rest: no texts, rewards, truth or groups, each unit whole, one episode for each. */
export function unitLevel(fields: UnitLevelFields): UnitLevel {
  const { units } = fields;
  return {
    textIndex: new Int32Array(units).fill(-1),
    texts: [],
    textCount: new Int32Array(units),
    envReward: new Float32Array(0),
    rewardNames: [],
    episode: Int32Array.from({ length: units }, (_, unit) => unit),
    position: new Int32Array(units),
    parent: null,
    begins: new Uint8Array(units).fill(1),
    ends: new Uint8Array(units).fill(1),
    terminated: new Uint8Array(units),
    done: new Uint8Array(units),
    policyVersion: new Int32Array(units),
    group: null,
    truth: null,
    strings: {},
    numbers: {},
    ...fields,
  };
}
