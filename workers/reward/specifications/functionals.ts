/** Functions of the numbers of an episode. */
import { FUNCTIONAL_NAMES } from '../../../proto/reward-specifications.js';
import { compileExpression, type CompiledExpression } from '../programs/expression.js';
import { failed } from '../programs/fault.js';

export function meanOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
}

/** Of the population. */
export function deviationOf(numbers: readonly number[]): number {
  const mean = meanOf(numbers);
  return Math.sqrt(numbers.reduce((sum, number) => sum + (number - mean) ** 2, 0) / numbers.length);
}

/** @throws ProgramFault where nothing varies */
export function sharpeRatio(numbers: readonly number[], periods: number, riskFree: number): number {
  const deviation = deviationOf(numbers);
  // A mean of equal numbers is not always exactly that number.
  if (numbers.every((number) => number === numbers[0]) || deviation === 0) throw failed('expected returns that vary, they are all the same');
  return ((meanOf(numbers) - riskFree) / deviation) * Math.sqrt(periods);
}

export function functionalOf(source: string): (numbers: readonly number[]) => number {
  const program: CompiledExpression = compileExpression(source, FUNCTIONAL_NAMES);
  return (numbers) => {
    const sum = numbers.reduce((total, number) => total + number, 0);
    const values: Readonly<Record<string, number>> = {
      sum,
      mean: meanOf(numbers),
      deviation: deviationOf(numbers),
      least: numbers.reduce((a, b) => Math.min(a, b)),
      greatest: numbers.reduce((a, b) => Math.max(a, b)),
      first: numbers[0] as number,
      last: numbers[numbers.length - 1] as number,
      steps: numbers.length,
    };
    return program.evaluate({ value: (name) => values[name], env: () => undefined, numbers: () => undefined }) as number;
  };
}

/** D_t = (B dA - A dB / 2) / (B - A^2)^(3/2), with A and B the moving first and second moment before the step; 0 where they do not vary yet. */
export function differentialSharpe(rate: number): (number: number) => number {
  let [first, second] = [0, 0];
  return (number) => {
    const [up, upSquare] = [number - first, number * number - second];
    const variance = second - first * first;
    const value = variance > 0 ? (second * up - 0.5 * first * upSquare) / variance ** 1.5 : 0;
    first += rate * up;
    second += rate * upSquare;
    return value;
  };
}

export function averageGain(): (number: number) => number {
  let [sum, count] = [0, 0];
  return (number) => {
    const gain = count === 0 ? 0 : sum / count;
    sum += number;
    count += 1;
    return number - gain;
  };
}
