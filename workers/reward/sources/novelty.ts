/**
 * Source `novelty`: a bonus for what is new in its episode. The memory is the episode itself, from its true beginning and in
 * order of time, so nothing is kept between batches and the same bonus comes out whenever it is computed.
 */
import type { NoveltySource } from '../../../proto/reward-novelty.js';
import { REWARD_STATUS } from '../../../proto/schemas.js';
import { featuresOf } from '../features.js';
import { bonusOf } from '../novelty/bonus.js';
import { knownColumn } from '../reward-column.js';
import type { UnitLevel } from '../units.js';
import type { CompiledSource } from './source.js';

const TEXT_DIMENSIONS = 128;

/** A step without a text is not new: a known 0. Where the column is missing, or the beginning of the episode, the bonus is unknown. */
export function compileNoveltySource({ bonus }: NoveltySource): CompiledSource {
  const features = featuresOf(bonus.of, TEXT_DIMENSIONS);
  const begin = bonusOf(bonus);
  // Times a text was seen in its episode are counted where it is played.
  const counted = bonus.kind === 'count' && bonus.of === 'text';
  return {
    masked: true,
    history: counted ? 'none' : 'episode',
    numbers: features.numbers,
    evaluate(level) {
      const column = knownColumn(level.units);
      if (counted) {
        for (let unit = 0; unit < level.units; unit++) column.value[unit] = (level.textIndex[unit] as number) < 0 ? 0 : (level.textCount[unit] as number) ** -bonus.exponent;
        return column;
      }
      let memory = begin();
      let known = false;
      for (let unit = 0; unit < level.units; unit++) {
        if (unit === 0 || level.episode[unit] !== level.episode[unit - 1]) {
          memory = begin();
          known = level.position[unit] === 0;
        }
        const row = known ? features.of(level, unit) : undefined;
        if (row) column.value[unit] = memory.next(row);
        else if (!known || !isSilent(level, unit, bonus.of)) {
          column.mask[unit] = 0;
          column.confidence[unit] = 0;
          column.status[unit] = REWARD_STATUS.error;
        }
      }
      return column;
    },
  };
}

function isSilent(level: UnitLevel, unit: number, of: string): boolean {
  return of === 'text' && (level.textIndex[unit] as number) < 0;
}
