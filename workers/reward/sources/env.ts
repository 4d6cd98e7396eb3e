/** Source `env`: the environment's own reward, scaled and clipped. Always known. */
import { LaurelError } from '../../../proto/errors.js';
import type { SourceSpec } from '../../../proto/reward-sources.js';
import { knownColumn, type RewardColumn } from '../reward-column.js';
import type { RewardInput } from '../reward-input.js';
import type { CompiledSource } from './source.js';

export function compileEnvSource(spec: Extract<SourceSpec, { kind: 'env' }>): CompiledSource {
  const bound = spec.clip ?? Number.POSITIVE_INFINITY;
  const component = (wanted: string | undefined, { units, envReward, rewardNames }: RewardInput): RewardColumn => {
    const index = wanted === undefined ? 0 : rewardNames.indexOf(wanted);
    if (index < 0 || index >= rewardNames.length) {
      throw new LaurelError('LAUREL_JOB_INVALID', `expected one of the reward components ${rewardNames.join(', ') || '(none)'} of the environment, got ${wanted ?? 'the first'}`);
    }
    const column = knownColumn(units);
    const width = rewardNames.length;
    for (let unit = 0; unit < units; unit++) {
      column.value[unit] = Math.max(-bound, Math.min(bound, (envReward[unit * width + index] as number) * spec.scale));
    }
    return column;
  };
  return { masked: false, evaluate: (level) => (spec.components ? spec.components.map((name) => component(name, level)) : component(spec.component, level)) };
}
