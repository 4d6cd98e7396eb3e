/** Source `judge`: a language model's opinion of a unit, or of the units of a group against each other, asked when it is scored. */
import { LaurelError } from '../../../proto/errors.js';
import type { JudgeSource } from '../../../proto/reward-judge.js';
import { REWARD_STATUS } from '../../../proto/schemas.js';
import { pairOf, pairText } from '../../annotator/pair.js';
import { digestOf } from '../../store/artifacts.js';
import type { Judgements } from '../judgements.js';
import { knownColumn, type RewardColumn } from '../reward-column.js';
import { UnitView } from '../rules/unit-view.js';
import type { UnitLevel } from '../units.js';
import type { CompiledSource } from './source.js';

/** A unit without a text has nothing to judge: a known 0. One whose question has no answer is unknown, and no 0. */
export function compileJudgeSource(name: string, spec: JudgeSource): CompiledSource {
  return {
    masked: true,
    async prepare(level: UnitLevel, { judged }, { signal }): Promise<Judgements> {
      if (!judged) throw new LaurelError('LAUREL_INVARIANT_VIOLATED', `expected somebody who asks the judge of the source ${name}`);
      return judged(questionsOf(level, spec), signal);
    },
    evaluate(level, { prepared }) {
      const shown = shownTexts(level, spec);
      const of = (question: Uint8Array): number | null => (prepared as Judgements).get(digestOf(question))?.value ?? null;
      return spec.mode === 'pairwise' ? compared(level, shown, of) : verdicts(spec, shown, of);
    },
  };
}

/** What the judge sees of each unit; undefined: it has no text. */
function shownTexts(level: UnitLevel, { task }: JudgeSource): (Uint8Array | undefined)[] {
  return Array.from({ length: level.units }, (_, unit) => {
    const view = new UnitView(level, unit);
    const { text } = view;
    if (text === undefined) return undefined;
    const prompt = task ? view.string('prompt') : undefined;
    return new Uint8Array(Buffer.from(prompt === undefined ? text : `Task: ${prompt} Answer: ${text}`, 'utf8'));
  });
}

/** Distinct, in the order in which units raise them. */
function questionsOf(level: UnitLevel, spec: JudgeSource): Uint8Array[] {
  const shown = shownTexts(level, spec);
  const asked = spec.mode === 'pairwise' ? groupsOf(level).flatMap((group) => pairsOf(group).flatMap(([a, b]) => pairQuestion(shown[a], shown[b]) ?? [])) : shown.flatMap((text) => text ?? []);
  return [...new Map(asked.map((question) => [digestOf(question), question])).values()];
}

function verdicts({ answer, threshold }: JudgeSource, shown: readonly (Uint8Array | undefined)[], of: (question: Uint8Array) => number | null): RewardColumn {
  const column = knownColumn(shown.length);
  shown.forEach((text, unit) => {
    if (text === undefined) return;
    const value = of(text);
    if (value === null) unknown(column, unit);
    else column.value[unit] = answer === 'probability' ? value : value > threshold ? 1 : 0;
  });
  return column;
}

/** The mean over the others of a group of the probability that this one is preferred; equal texts are a tie. */
function compared(level: UnitLevel, shown: readonly (Uint8Array | undefined)[], of: (question: Uint8Array) => number | null): RewardColumn {
  const column = knownColumn(level.units);
  const preferred = (own: Uint8Array, other: Uint8Array): number | null => {
    const question = pairQuestion(own, other);
    if (question === undefined) return 0.5;
    const value = of(question);
    return value === null || Buffer.compare(pairOf(question).first, own) === 0 ? value : 1 - value;
  };
  for (const group of groupsOf(level)) {
    for (const unit of group) {
      const own = shown[unit];
      if (own === undefined) continue;
      const against = group.flatMap((other) => (other === unit || shown[other] === undefined ? [] : [preferred(own, shown[other])]));
      // One that is alone is neither better nor worse.
      if (against.includes(null)) unknown(column, unit);
      else column.value[unit] = against.length === 0 ? 0.5 : (against as number[]).reduce((sum, value) => sum + value, 0) / against.length;
    }
  }
  return column;
}

function unknown(column: RewardColumn, unit: number): void {
  column.mask[unit] = 0;
  column.confidence[unit] = 0;
  column.status[unit] = REWARD_STATUS.error;
}

function groupsOf({ group, units }: UnitLevel): number[][] {
  const groups = new Map<number, number[]>();
  for (let unit = 0; unit < units; unit++) {
    const name = group?.[unit] ?? -1 - unit;
    groups.set(name, [...(groups.get(name) ?? []), unit]);
  }
  return [...groups.values()];
}

function pairsOf(group: readonly number[]): (readonly [number, number])[] {
  return group.flatMap((a, index) => group.slice(index + 1).map((b) => [a, b] as const));
}

/** Undefined: there is nothing to compare. */
function pairQuestion(a: Uint8Array | undefined, b: Uint8Array | undefined): Uint8Array | undefined {
  return a === undefined || b === undefined || Buffer.compare(a, b) === 0 ? undefined : pairText(a, b);
}
