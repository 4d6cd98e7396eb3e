/** Levels for tests of rules and sources: completions of prompts, or steps with messages. */
import { unitLevel, type UnitLevel } from '../../../workers/reward/units.js';

export interface Completion {
  readonly text: string;
  readonly truth?: unknown;
  readonly prompt?: string;
}

export function completions(rows: readonly Completion[]): UnitLevel {
  const each = Int32Array.from(rows, (_, row) => row);
  return unitLevel({
    granularity: 'episode',
    units: rows.length,
    textIndex: each,
    texts: rows.map(({ text }) => text),
    textCount: new Int32Array(rows.length).fill(1),
    truth: { index: Int32Array.from(rows, ({ truth }, row) => (truth === undefined ? -1 : row)), values: rows.map(({ truth }) => truth) },
    strings: { prompt: { index: each, texts: rows.map(({ prompt }) => prompt ?? '') } },
    done: new Uint8Array(rows.length).fill(1),
  });
}

export interface Step {
  /** Null: no message. */
  readonly text?: string | null;
  readonly count?: number;
  readonly env?: readonly number[];
  readonly position?: number;
  readonly observation?: readonly number[];
  readonly episode?: number;
  readonly done?: boolean;
}

export function steps(rows: readonly Step[], rewardNames: readonly string[] = ['score']): UnitLevel {
  const width = rows[0]?.observation?.length ?? 0;
  return unitLevel({
    granularity: 'step',
    units: rows.length,
    textIndex: Int32Array.from(rows, ({ text }, row) => (text === undefined || text === null ? -1 : row)),
    texts: rows.map(({ text }) => Buffer.from(text ?? '', 'utf8').toString('latin1')),
    textCount: Int32Array.from(rows, ({ count, text }) => count ?? (text === undefined || text === null ? 0 : 1)),
    envReward: Float32Array.from(rows.flatMap(({ env }) => env ?? rewardNames.map(() => 0))),
    rewardNames,
    episode: Int32Array.from(rows, ({ episode }) => episode ?? 0),
    position: Int32Array.from(rows, ({ position }, row) => position ?? row),
    done: Uint8Array.from(rows, ({ done }) => (done ? 1 : 0)),
    terminated: Uint8Array.from(rows, ({ done }) => (done ? 1 : 0)),
    numbers: width === 0 ? {} : { 'observation.position': { width, values: Float32Array.from(rows.flatMap(({ observation }) => observation ?? [])) } },
  });
}
