/** Units of a group compared two by two: what is asked, and what the answers say of each. */
import { REWARD_STATUS } from '../../../proto/schemas.js';
import { pairOf, pairText } from '../../annotator/pair.js';
import { maskUnit } from '../combinators/combinator.js';
import { knownColumn, type RewardColumn } from '../reward-column.js';
import { shownAlone, type AnswerOf, type Groups, type JudgedUnits } from './judged-unit.js';

export function pairQuestions(units: JudgedUnits, groups: Groups): Uint8Array[] {
  const shown = units.map((one) => one && shownAlone(one));
  return groups.flatMap((group) => pairsOf(group).flatMap(([a, b]) => pairQuestion(shown[a], shown[b]) ?? []));
}

/** The mean over the others of a group of the probability that this one is preferred; equal texts are a tie. */
export function compared(units: JudgedUnits, groups: Groups, answerOf: AnswerOf): RewardColumn {
  const column = knownColumn(units.length);
  const shown = units.map((one) => one && shownAlone(one));
  const preferred = (own: Uint8Array, other: Uint8Array): number | null => {
    const question = pairQuestion(own, other);
    if (question === undefined) return 0.5;
    const value = answerOf(question)?.value ?? null;
    return value === null || Buffer.compare(pairOf(question).first, own) === 0 ? value : 1 - value;
  };
  for (const group of groups) {
    for (const unit of group) {
      const own = shown[unit];
      if (own === undefined) continue;
      const against = group.flatMap((other) => (other === unit || shown[other] === undefined ? [] : [preferred(own, shown[other])]));
      // One that is alone is neither better nor worse.
      if (against.includes(null)) maskUnit(column, unit, REWARD_STATUS.error);
      else column.value[unit] = against.length === 0 ? 0.5 : (against as number[]).reduce((sum, value) => sum + value, 0) / against.length;
    }
  }
  return column;
}

function pairsOf(group: readonly number[]): (readonly [number, number])[] {
  return group.flatMap((a, index) => group.slice(index + 1).map((b) => [a, b] as const));
}

/** Undefined: there is nothing to compare. */
function pairQuestion(a: Uint8Array | undefined, b: Uint8Array | undefined): Uint8Array | undefined {
  return a === undefined || b === undefined || Buffer.compare(a, b) === 0 ? undefined : pairText(a, b);
}
