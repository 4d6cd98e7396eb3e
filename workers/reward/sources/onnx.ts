/** Source `onnx`: a model file that a user brings. */
import { LaurelError } from '../../../proto/errors.js';
import type { OnnxSource } from '../../../proto/reward-onnx.js';
import { REWARD_STATUS } from '../../../proto/schemas.js';
import { UserModel, type Rows } from '../models/user-model.js';
import { knownColumn, type RewardColumn } from '../reward-column.js';
import { UnitView } from '../rules/unit-view.js';
import type { UnitLevel } from '../units.js';
import type { CompiledSource } from './source.js';

/** Values kept by row; beyond them all are forgotten, which costs time and changes nothing. */
const KEPT_MAX = 100_000;

/** A unit without a text is worth a known 0 where the model reads the text. What the model gives no finite number for is unknown. */
export function compileOnnxSource(name: string, spec: OnnxSource): CompiledSource {
  const readings = Object.entries(spec.inputs);
  const readsText = readings.some(([, reading]) => reading === 'text');
  const width = spec.elements?.length ?? 1;
  const known = new Map<string, readonly number[]>();
  let model: Promise<UserModel> | undefined;

  const open = async (bytes: Uint8Array | undefined): Promise<UserModel> => {
    if (!bytes) throw new LaurelError('LAUREL_INVARIANT_VIOLATED', `expected the model file of the source ${name}`);
    return UserModel.open(bytes, { ...spec, width });
  };
  return {
    masked: true,
    numbers: readings.map(([, reading]) => reading).filter((reading) => reading !== 'text'),
    async prepare(level, { file }, { signal }) {
      model ??= open(file);
      model.catch(() => (model = undefined));
      const session = await model;
      const values: (readonly number[] | null)[] = [];
      for (let unit = 0; unit < level.units; unit++) {
        signal?.throwIfAborted();
        const rows = rowsOf(level, unit, readings, session);
        const key = rows && JSON.stringify(rows);
        let value = key === null ? undefined : known.get(key);
        if (rows && key !== null && value === undefined) {
          value = await session.run(rows);
          if (known.size >= KEPT_MAX) known.clear();
          known.set(key, value);
        }
        values.push(value ?? null);
      }
      return values;
    },
    evaluate(level, { prepared }) {
      const values = prepared as readonly (readonly number[] | null)[];
      const columns = Array.from({ length: width }, () => knownColumn(level.units));
      values.forEach((value, unit) => {
        if (value === null && readsText && (level.textIndex[unit] as number) < 0) return;
        columns.forEach((column, element) => write(column, unit, value?.[element]));
      });
      return spec.elements === null ? (columns[0] as RewardColumn) : columns;
    },
  };
}

function write(column: RewardColumn, unit: number, value: number | undefined): void {
  if (value !== undefined && Number.isFinite(value)) {
    column.value[unit] = value;
    return;
  }
  column.mask[unit] = 0;
  column.confidence[unit] = 0;
  column.status[unit] = REWARD_STATUS.error;
}

/** Null: something that the model reads is not there. */
function rowsOf(level: UnitLevel, unit: number, readings: readonly (readonly [string, string])[], model: UserModel): Rows | null {
  const view = new UnitView(level, unit);
  const rows: Record<string, readonly number[]> = {};
  for (const [input, reading] of readings) {
    const row = reading === 'text' ? bytesOf(view.text, model.widthOf(input)) : view.numbers(reading);
    if (row === undefined) return null;
    rows[input] = row;
  }
  return rows;
}

/** UTF-8, cut or filled up with 0 where the model wants so many. */
export function bytesOf(text: string | undefined, width: number | null): number[] | undefined {
  if (text === undefined) return undefined;
  const bytes = [...Buffer.from(text, 'utf8')];
  return width === null ? bytes : Array.from({ length: width }, (_, at) => bytes[at] ?? 0);
}
