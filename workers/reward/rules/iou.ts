/** Rule `iou`: how much a box or interval that a text names is the right one. */
import type { RuleSpecOf } from '../../../proto/reward-rules.js';
import { boxIou, generalisedIou, type Box } from '../../text/geometry.js';
import { numbersIn } from './numbers-in-text.js';
import { missing } from './rule.js';
import { comparingRule } from './text-rule.js';

type Form = RuleSpecOf<'iou'>['form'];

const KEYS: Readonly<Record<Form, readonly string[]>> = { xywh: ['x', 'y', 'w', 'h'], xyxy: ['x1', 'y1', 'x2', 'y2'], interval: ['from', 'to'] };

/** The numbers of a box: an array of them, an object with its keys, or the first numbers of a text. */
function numbersOf(value: unknown, form: Form): number[] | undefined {
  const keys = KEYS[form];
  const all = typeof value === 'string' ? numbersIn(value) : Array.isArray(value) ? (value as unknown[]) : keys.map((key) => (value as Record<string, unknown> | null)?.[key]);
  const numbers = all.slice(0, keys.length).filter((one): one is number => typeof one === 'number');
  return numbers.length === keys.length ? numbers : undefined;
}

/** Undefined: the numbers say no box (a size below 0). An interval is a box of height 1. */
function boxOf(numbers: readonly number[], form: Form): Box | undefined {
  const [a, b, c, d] = numbers as [number, number, number, number];
  const box = form === 'xywh' ? { x: a, y: b, w: c, h: d } : form === 'xyxy' ? { x: a, y: b, w: c - a, h: d - b } : { x: a, y: 0, w: b - a, h: 1 };
  return box.w >= 0 && box.h >= 0 ? box : undefined;
}

export function iouRule(spec: RuleSpecOf<'iou'>) {
  const unmet = spec.generalised ? -1 : 0;
  const read = (value: unknown): Box | undefined => {
    const numbers = numbersOf(value, spec.form);
    return numbers && boxOf(numbers, spec.form);
  };
  return comparingRule(
    spec,
    (text, right) => {
      const wanted = read(right);
      if (wanted === undefined) return missing(`a box (${KEYS[spec.form].join(', ')}) in the ground truth`);
      const found = read(text);
      return found === undefined ? unmet : spec.generalised ? generalisedIou(found, wanted) : boxIou(found, wanted);
    },
    unmet,
  );
}
