/** One unit of a level, as rules and programs see it. */
import { stepsOf, valueAt, type Step } from '../../../proto/readings.js';
import { decodeText } from '../../annotator/prompts/message-text.js';
import { textOfKey } from '../../annotator/text-key.js';
import { textOf, truthOf, type UnitLevel } from '../units.js';

/** A path, taken apart once. */
export interface Reading {
  readonly path: string;
  readonly root: string;
  readonly steps: readonly Step[];
}

export const readingOf = (path: string): Reading => ({ path, ...stepsOf(path) });

const decoded = new WeakMap<readonly string[], string[]>();

export class UnitView {
  constructor(
    readonly level: UnitLevel,
    readonly unit: number,
  ) {}

  /** The message after the action, or the completion, as people read it; undefined: none. */
  get text(): string | undefined {
    const { texts, textIndex, strings } = this.level;
    // Completions are texts; messages of environments are bytes, one character for each (units.ts).
    if ('prompt' in strings) return textOf(this.level, this.unit);
    const index = textIndex[this.unit] as number;
    if (index < 0) return undefined;
    let known = decoded.get(texts);
    if (!known) decoded.set(texts, (known = texts.map((key) => decodeText(textOfKey(key)))));
    return known[index];
  }

  get truth(): unknown {
    return truthOf(this.level, this.unit);
  }

  string(name: string): string | undefined {
    const column = this.level.strings[name];
    const index = column?.index[this.unit] ?? -1;
    return index < 0 ? undefined : column?.texts[index];
  }

  get count(): number {
    return this.level.textCount[this.unit] as number;
  }

  get position(): number {
    return this.level.position[this.unit] as number;
  }

  /** A component of the environment reward; undefined: there is none of that name. */
  env(name: string): number | undefined {
    const { rewardNames, envReward } = this.level;
    const component = rewardNames.indexOf(name);
    return component < 0 ? undefined : envReward[this.unit * rewardNames.length + component];
  }

  /** The row of a column of numbers; undefined: there is no such column. */
  numbers(name: string): number[] | undefined {
    const column = this.level.numbers[name];
    return column && Array.from(column.values.subarray(this.unit * column.width, (this.unit + 1) * column.width));
  }

  /** What a text path says; undefined: nothing. */
  read({ root, steps }: Reading): unknown {
    if (root === 'text') return this.text;
    if (root === 'truth') return valueAt(this.truth, steps);
    return this.string(root);
  }

  /** What a number path says; undefined: nothing. */
  number({ root, steps }: Reading): number | undefined {
    const name = typeof steps[0] === 'string' ? `${root}.${steps[0]}` : root;
    const index = steps.find((step) => typeof step === 'number') ?? 0;
    switch (root) {
      case 'characters':
        return this.text?.length ?? 0;
      case 'words':
        return wordsOf(this.text ?? '').length;
      case 'count':
        return this.count;
      case 'position':
        return this.position;
      case 'env':
        return this.env(String(steps[0] ?? this.level.rewardNames[0]));
      case 'truth': {
        const value = valueAt(this.truth, steps);
        return typeof value === 'number' ? value : undefined;
      }
      default:
        return this.numbers(name)?.[index];
    }
  }

  /** Same for units whose texts and ground truth are the same. */
  get textsKey(): string {
    const { textIndex, truth, strings } = this.level;
    return [textIndex[this.unit], truth?.index[this.unit] ?? -1, ...Object.values(strings).map(({ index }) => index[this.unit])].join('/');
  }
}

/** Runs of letters and digits, in lower case. */
export function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
}
