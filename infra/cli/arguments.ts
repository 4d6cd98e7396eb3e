/** Arguments of commands that several of them take. */
import { InvalidArgumentError } from 'commander';

export function parsePositive(value: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number < 1) throw new InvalidArgumentError('expected a whole number above 0.');
  return number;
}
