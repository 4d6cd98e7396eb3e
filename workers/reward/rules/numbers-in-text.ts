/** Numbers as texts spell them. */

const NUMBER = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/;

/** The finite number that the whole text spells, space at its ends aside; undefined: none. */
export function numberIn(text: string): number | undefined {
  const spelled = text.trim();
  if (!NUMBER.test(spelled)) return undefined;
  const number = Number(spelled);
  return Number.isFinite(number) ? number : undefined;
}

/** All numbers that stand in a text, in order. */
export function numbersIn(text: string): number[] {
  return (text.match(/[+-]?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?/g) ?? []).map(Number).filter(Number.isFinite);
}
