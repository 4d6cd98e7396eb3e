/** More for rare labels and for prompts that few completions of the group pass. Our own form (see proto/reward-shapes.ts). */
import type { ShapeSpecOf } from '../../../proto/reward-shapes.js';
import type { RewardColumn } from '../reward-column.js';
import { truthOf } from '../units.js';
import { groupMeans } from './groups.js';
import { mapKnown, type ShapeContext } from './shape.js';

export function difficulty({ label, kappa, pass }: ShapeSpecOf<'difficulty'>, column: RewardColumn, { level }: ShapeContext): RewardColumn {
  const passRate = kappa === 0 ? null : groupMeans(column, level.group as Int32Array, (value) => (value >= pass ? 1 : 0));
  const labels = label === null ? 0 : Object.keys(label.shares).length;
  const labelWeight = (unit: number): number => {
    const share = label?.shares[labelOf(truthOf(level, unit), label.field)];
    return share === undefined ? 1 : 1 / (share * labels);
  };
  return mapKnown(column, (value, unit) => value * labelWeight(unit) * (passRate === null ? 1 : 1 + kappa * (1 - passRate(unit))));
}

function labelOf(truth: unknown, field: string | null): string {
  const value = field === null ? truth : typeof truth === 'object' && truth !== null ? (truth as Readonly<Record<string, unknown>>)[field] : undefined;
  return typeof value === 'string' ? value : JSON.stringify(value ?? null);
}
