/** Source `model`: a reward from the answers of an annotator, by the fit that the job names. */
import { asksJudge } from '../../../proto/reward-fits.js';
import type { ModelSourceSpec } from '../../../proto/reward-sources.js';
import { REWARD_STATUS } from '../../../proto/schemas.js';
import { normalKey } from '../../annotator/normal-form.js';
import { textValues } from '../models/registry.js';
import type { TextValue, TextValues } from '../models/text-values.js';
import { knownColumn } from '../reward-column.js';
import type { CompiledSource } from './source.js';

/** A transition without a message has nothing to judge: a known 0. An unknown value is masked, and is no 0. */
export function compileModelSource(name: string, spec: ModelSourceSpec): CompiledSource {
  const valueOf = spec.cache ? remembered(textValues(name, spec)) : textValues(name, spec);
  // What the annotator was asked about; words of a goal are compared with the message itself.
  const form = asksJudge(spec.fit) ? (spec.annotator.normalForm ?? 'raw') : 'raw';
  return {
    masked: true,
    evaluate({ units, textIndex, texts }, context) {
      const values = texts.map((text) => valueOf(normalKey(form, text), context));
      const column = knownColumn(units);
      for (let unit = 0; unit < units; unit++) {
        const index = textIndex[unit] as number;
        if (index < 0) continue;
        const known = values[index];
        if (known === undefined) {
          column.mask[unit] = 0;
          column.confidence[unit] = 0;
          column.status[unit] = REWARD_STATUS.pending;
          continue;
        }
        column.value[unit] = known.value;
        column.confidence[unit] = known.confidence;
        column.version[unit] = known.version;
      }
      return column;
    },
  };
}

/** Messages whose values are kept at most; then all are forgotten. */
const KEPT_MAX = 100_000;

/** What is known of a message stays as it is. */
function remembered(valueOf: TextValues): TextValues {
  const known = new Map<string, TextValue>();
  return (text, context) => {
    const before = known.get(text);
    if (before !== undefined) return before;
    const value = valueOf(text, context);
    if (value === undefined) return undefined;
    if (known.size >= KEPT_MAX) known.clear();
    known.set(text, value);
    return value;
  };
}
