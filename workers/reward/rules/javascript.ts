/** Rule `javascript`: a program of the user in an isolate. */
import { LaurelError } from '../../../proto/errors.js';
import type { JavascriptRule } from '../../../proto/reward-programs.js';
import { sharedIsolate } from '../programs/isolate-client.js';
import type { CompiledRule, Verdict } from './rule.js';
import type { UnitView } from './unit-view.js';

/** What is read from the unit itself, and no column of numbers. */
const OWN: readonly string[] = ['count', 'position', 'env'];

export function javascriptRule(spec: JavascriptRule): CompiledRule {
  const { program, elements, reads, onError, operationsMax, memoryBytes, stackBytes } = spec;
  return {
    textsOnly: false,
    withoutText: true,
    numbers: reads.filter((name) => !OWN.includes(name)),
    onError,
    ...(elements === null ? {} : { elements: elements.length }),
    judge: () => {
      throw new LaurelError('LAUREL_INVARIANT_VIOLATED', 'expected a program to be run before its values are read');
    },
    async judgeLater(units, work) {
      const inputs = units.map((unit) => JSON.stringify(inputOf(unit, reads)));
      // Equal units get equal values: each distinct one runs once.
      const distinct = [...new Set(inputs)];
      const outcomes = await sharedIsolate().run(program, distinct, elements?.length ?? null, { operationsMax, memoryBytes, stackBytes }, work);
      const verdicts = new Map(distinct.map((input, index) => [input, verdictOf(outcomes[index] ?? null, elements === null)]));
      const invalid = [...verdicts.values()].find((verdict) => typeof verdict === 'object' && verdict !== null && 'code' in verdict && verdict.code === 'LAUREL_PROGRAM_INVALID');
      if (invalid && 'code' in (invalid as object)) throw new LaurelError('LAUREL_PROGRAM_INVALID', (invalid as { message: string }).message);
      return inputs.map((input) => verdicts.get(input) as Verdict);
    },
  };
}

/** What a program sees as `unit`. */
function inputOf(unit: UnitView, reads: readonly string[]) {
  const { rewardNames, strings } = unit.level;
  return {
    text: unit.text ?? null,
    ...Object.fromEntries(Object.keys(strings).map((name) => [name, unit.string(name) ?? null])),
    truth: unit.truth ?? null,
    ...(reads.includes('count') && { count: unit.count }),
    ...(reads.includes('position') && { position: unit.position }),
    ...(reads.includes('env') && { env: Object.fromEntries(rewardNames.map((name) => [name, unit.env(name)])) }),
    numbers: Object.fromEntries(reads.filter((name) => !OWN.includes(name)).map((name) => [name, unit.numbers(name) ?? null])),
  };
}

function verdictOf(outcome: readonly number[] | null | { code: string; message: string }, single: boolean): Verdict {
  return Array.isArray(outcome) && single ? (outcome[0] as number) : (outcome as Verdict);
}
