/** Source `judge`: a language model's opinion of a unit, or of the units of a group among each other, asked when it is scored. */
import { LaurelError } from '../../../proto/errors.js';
import type { JudgeSource } from '../../../proto/reward-judge.js';
import { REWARD_STATUS } from '../../../proto/schemas.js';
import { digestOf } from '../../store/artifacts.js';
import { maskUnit } from '../combinators/combinator.js';
import type { Judgements } from '../judgements.js';
import { knownColumn, type RewardColumn } from '../reward-column.js';
import { UnitView } from '../rules/unit-view.js';
import type { UnitLevel } from '../units.js';
import { listQuestions, scored } from './judge-lists.js';
import { compared, pairQuestions } from './judge-pairs.js';
import { shownAlone, type AnswerOf, type Groups, type JudgedUnit, type JudgedUnits } from './judged-unit.js';
import type { CompiledSource } from './source.js';

/** A unit without a text has nothing to judge: a known 0. One whose question has no answer is unknown, and no 0. */
export function compileJudgeSource(name: string, spec: JudgeSource): CompiledSource {
  return {
    masked: true,
    async prepare(level: UnitLevel, { judged }, { signal }): Promise<Judgements> {
      if (!judged) throw new LaurelError('LAUREL_INVARIANT_VIOLATED', `expected somebody who asks the judge of the source ${name}`);
      return judged(distinct(questionsOf(judgedUnits(level, spec), groupsOf(level), spec)), signal);
    },
    evaluate(level, { prepared }) {
      const units = judgedUnits(level, spec);
      return columnOf(units, groupsOf(level), spec, (question) => (prepared as Judgements).get(digestOf(question)));
    },
  };
}

function questionsOf(units: JudgedUnits, groups: Groups, { mode }: JudgeSource): Uint8Array[] {
  switch (mode) {
    case 'pointwise':
      return units.flatMap((one) => (one === undefined ? [] : [shownAlone(one)]));
    case 'pairwise':
      return pairQuestions(units, groups);
    case 'listwise':
      return listQuestions(units, groups);
  }
}

function columnOf(units: JudgedUnits, groups: Groups, spec: JudgeSource, answerOf: AnswerOf): RewardColumn {
  switch (spec.mode) {
    case 'pointwise':
      return verdicts(units, spec, answerOf);
    case 'pairwise':
      return compared(units, groups, answerOf);
    case 'listwise':
      return scored(units, groups, answerOf);
  }
}

function verdicts(units: JudgedUnits, { answer, threshold }: JudgeSource, answerOf: AnswerOf): RewardColumn {
  const column = knownColumn(units.length);
  units.forEach((one, unit) => {
    if (one === undefined) return;
    const value = answerOf(shownAlone(one))?.value ?? null;
    if (value === null) maskUnit(column, unit, REWARD_STATUS.error);
    else column.value[unit] = answer === 'probability' ? value : value > threshold ? 1 : 0;
  });
  return column;
}

/** Undefined: it has no text. */
function judgedUnits(level: UnitLevel, { task }: JudgeSource): (JudgedUnit | undefined)[] {
  return Array.from({ length: level.units }, (_, unit) => {
    const view = new UnitView(level, unit);
    const { text } = view;
    return text === undefined ? undefined : { text, task: task ? (view.string('prompt') ?? null) : null };
  });
}

/** In the order in which units raise them. */
function distinct(questions: readonly Uint8Array[]): Uint8Array[] {
  return [...new Map(questions.map((question) => [digestOf(question), question])).values()];
}

/** Units of each group; one that is in none is alone. */
function groupsOf({ group, units }: UnitLevel): number[][] {
  const groups = new Map<number, number[]>();
  for (let unit = 0; unit < units; unit++) {
    const name = group?.[unit] ?? -1 - unit;
    groups.set(name, [...(groups.get(name) ?? []), unit]);
  }
  return [...groups.values()];
}
