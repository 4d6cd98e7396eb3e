/** Source `env`: the environment's own reward, scaled and clipped. Always known. */
import { LaurelError } from '../../../proto/errors.js';
import type { SourceSpec } from '../../../proto/reward-sources.js';
import { knownColumn } from '../reward-column.js';
import type { CompiledSource } from './source.js';

export function compileEnvSource(spec: Extract<SourceSpec, { kind: 'env' }>): CompiledSource {
  const bound = spec.clip ?? Number.POSITIVE_INFINITY;
  return {
    masked: false,
    evaluate({ units, envReward, rewardNames }) {
      const component = spec.component === undefined ? 0 : rewardNames.indexOf(spec.component);
      if (component < 0 || component >= rewardNames.length) {
        throw new LaurelError('LAUREL_JOB_INVALID', `expected one of the reward components ${rewardNames.join(', ') || '(none)'} of the environment, got ${spec.component ?? 'the first'}`);
      }
      const column = knownColumn(units);
      const width = rewardNames.length;
      for (let unit = 0; unit < units; unit++) {
        column.value[unit] = Math.max(-bound, Math.min(bound, (envReward[unit * width + component] as number) * spec.scale));
      }
      return column;
    },
  };
}
