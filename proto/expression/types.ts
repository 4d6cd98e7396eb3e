/** Types of the expression language. */
export type Type = 'number' | 'boolean' | 'text' | 'json' | { readonly list: Type };

export const listOf = (list: Type): Type => ({ list });

export function showType(type: Type): string {
  return typeof type === 'string' ? type : `list of ${showType(type.list)}`;
}

export function sameType(a: Type, b: Type): boolean {
  return typeof a === 'string' || typeof b === 'string' ? a === b : sameType(a.list, b.list);
}

/** A fault of an expression, with its place: `at` counts characters from 0. */
export class ExpressionFault extends Error {
  override readonly name = 'ExpressionFault';
  constructor(
    message: string,
    readonly at: number,
  ) {
    super(message);
  }
}
