/** Units of a table of completions: each is an episode, with its prompt, ground truth and group; its tokens are units too. */
import type { Table } from 'apache-arrow';
import { binaryColumn, columnArray, listColumn, utf8Column } from '../../proto/flight/tables.js';
import { checkTable, COMPLETION_COLUMNS as C } from '../../proto/schemas.js';
import type { CompletionsBody } from '../text/completions.js';
import { unitLevel, type TextColumn, type TruthColumn, type Units } from './units.js';

/** The columns that `completionUnits` needs. */
export const COMPLETION_UNIT_COLUMNS: readonly string[] = [C.group, C.prompt, C.truth, C.text, C.textCount, C.envReward, C.terminated, C.behaviourLogProb, C.policyVersion];

/** @param numbers more columns of the tokens, by name. @throws LaurelError LAUREL_SCHEMA_MISMATCH */
export function completionUnits(table: Table, numbers: Readonly<Record<string, Float32Array>> = {}): Units {
  const body = checkTable<CompletionsBody>(table, 'completions', COMPLETION_UNIT_COLUMNS);
  const units = table.numRows;
  const texts = binaryColumn(table, C.text);
  const own = distinct(Array.from({ length: units }, (_, row) => Buffer.from(texts.at(row)).toString('utf8')));
  const truths = distinct(utf8Column(table, C.truth));
  const truth: TruthColumn = { index: truths.index, values: truths.texts.map((json) => JSON.parse(json) as unknown) };
  const policyVersion = columnArray(table, C.policyVersion, Int32Array);
  const done = new Uint8Array(units).fill(1);
  const groups = columnArray(table, C.group, Int32Array);
  const logProb = listColumn(table, C.behaviourLogProb, Float32Array);
  const tokens = logProb.values.length;
  const parent = new Int32Array(tokens);
  const position = new Int32Array(tokens);
  const last = new Uint8Array(tokens);
  for (let row = 0; row < units; row++) {
    const [from, to] = [logProb.offsets[row] as number, logProb.offsets[row + 1] as number];
    for (let at = from; at < to; at++) {
      parent[at] = row;
      position[at] = at - from;
      last[at] = at === to - 1 ? 1 : 0;
    }
  }
  return {
    base: 'episode',
    levels: {
      token: unitLevel({
        granularity: 'token',
        units: tokens,
        episode: parent,
        parent,
        position,
        done: last,
        policyVersion: parent.map((row) => policyVersion[row] as number),
        numbers: { logprob: { width: 1, values: logProb.values }, ...Object.fromEntries(Object.entries(numbers).map(([name, values]) => [name, { width: 1, values }])) },
      }),
      episode: unitLevel({
        granularity: 'episode',
        units,
        textIndex: own.index,
        texts: own.texts,
        textCount: columnArray(table, C.textCount, Int32Array),
        envReward: columnArray(table, C.envReward, Float32Array),
        rewardNames: body.spaces.rewards,
        terminated: columnArray(table, C.terminated, Uint8Array),
        done,
        policyVersion,
        group: groups.map((group) => group - (groups[0] as number)),
        truth,
        strings: { prompt: distinct(utf8Column(table, C.prompt)) },
      }),
    },
  };
}

function distinct(all: readonly string[]): TextColumn {
  const known = new Map<string, number>();
  const index = Int32Array.from(all, (text) => {
    const at = known.get(text) ?? known.size;
    known.set(text, at);
    return at;
  });
  return { index, texts: [...known.keys()] };
}
