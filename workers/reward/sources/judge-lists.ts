/** Units of a group scored in one list: what is asked, and what the answers say of each. */
import { REWARD_STATUS } from '../../../proto/schemas.js';
import { listOf, listText } from '../../annotator/list.js';
import { maskUnit } from '../combinators/combinator.js';
import { knownColumn, type RewardColumn } from '../reward-column.js';
import type { AnswerOf, Groups, JudgedUnit, JudgedUnits } from './judged-unit.js';

export function listQuestions(units: JudgedUnits, groups: Groups): Uint8Array[] {
  return groups.flatMap((group) => listQuestion(units, group) ?? []);
}

/** What the answer gives each text; without one that scores every text of the list, all of its units are unknown. */
export function scored(units: JudgedUnits, groups: Groups, answerOf: AnswerOf): RewardColumn {
  const column = knownColumn(units.length);
  for (const group of groups) {
    const question = listQuestion(units, group);
    if (question === undefined) continue;
    const { texts } = listOf(question);
    const values = answerOf(question)?.values;
    const worth = new Map(texts.map((text, place) => [text, values?.[place]]));
    for (const unit of group) {
      const one = units[unit];
      if (one === undefined) continue;
      const value = values?.length === texts.length ? worth.get(one.text) : undefined;
      if (value === undefined) maskUnit(column, unit, REWARD_STATUS.error);
      else column.value[unit] = value;
    }
  }
  return column;
}

/** All texts of a group, which answer one task; undefined: it has none. */
function listQuestion(units: JudgedUnits, group: readonly number[]): Uint8Array | undefined {
  const judged = group.flatMap((unit) => units[unit] ?? []);
  return judged.length === 0 ? undefined : listText((judged[0] as JudgedUnit).task, judged.map(({ text }) => text));
}
