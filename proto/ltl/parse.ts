/**
 * Linear temporal logic over finite traces (De Giacomo and Vardi, IJCAI 2013): propositions, `true`, `false`, `!`, `&`, `|`, `->`,
 * `X` (there is a next step, and there), `N` (if there is a next step, there), `F` (sometime), `G` (always), `U` (until), `R` (release).
 */
import { ExpressionFault } from '../expression/types.js';

export type Formula =
  | { readonly kind: 'true' | 'false' }
  | { readonly kind: 'proposition'; readonly name: string; readonly negated: boolean }
  | { readonly kind: 'and' | 'or'; readonly of: readonly Formula[] }
  | { readonly kind: 'next' | 'weak-next'; readonly of: Formula }
  | { readonly kind: 'until' | 'release'; readonly left: Formula; readonly right: Formula };

export const TRUE: Formula = { kind: 'true' };
export const FALSE: Formula = { kind: 'false' };

const DEPTH_MAX = 60;

/** Negation inwards, down to the propositions. */
export function negate(formula: Formula): Formula {
  switch (formula.kind) {
    case 'true':
      return FALSE;
    case 'false':
      return TRUE;
    case 'proposition':
      return { ...formula, negated: !formula.negated };
    case 'and':
    case 'or':
      return { kind: formula.kind === 'and' ? 'or' : 'and', of: formula.of.map(negate) };
    case 'next':
    case 'weak-next':
      return { kind: formula.kind === 'next' ? 'weak-next' : 'next', of: negate(formula.of) };
    case 'until':
    case 'release':
      return { kind: formula.kind === 'until' ? 'release' : 'until', left: negate(formula.left), right: negate(formula.right) };
    default: {
      const never: never = formula;
      throw new TypeError(`unknown formula ${JSON.stringify(never)}`);
    }
  }
}

class Parser {
  private at = 0;
  private depth = 0;
  private readonly tokens: readonly { readonly text: string; readonly at: number }[];

  constructor(
    source: string,
    private readonly propositions: readonly string[],
  ) {
    const tokens: { text: string; at: number }[] = [];
    const pattern = /\s*(->|[()!&|]|[A-Za-z_][A-Za-z0-9_]*|\S)/y;
    for (let match = pattern.exec(source); match; match = pattern.exec(source)) tokens.push({ text: match[1] as string, at: match.index + match[0].length - (match[1] as string).length });
    this.tokens = [...tokens, { text: '', at: source.length }];
  }

  whole(): Formula {
    const formula = this.implication();
    if (this.next !== '') throw this.unexpected('the end');
    return formula;
  }

  private get next(): string {
    return (this.tokens[this.at] as { text: string }).text;
  }

  private unexpected(wanted: string): ExpressionFault {
    return new ExpressionFault(`expected ${wanted}, got ${this.next === '' ? 'the end' : this.next}`, (this.tokens[this.at] as { at: number }).at);
  }

  /** Weakest first: `->`, then `|`, `&`, `U` and `R` (to the right), then the unary ones. */
  private implication(): Formula {
    if (++this.depth > DEPTH_MAX) throw this.unexpected(`at most ${DEPTH_MAX} levels of nesting`);
    const left = this.several('|', 'or', () => this.several('&', 'and', () => this.until()));
    this.depth--;
    if (this.next !== '->') return left;
    this.at++;
    return { kind: 'or', of: [negate(left), this.implication()] };
  }

  private several(sign: string, kind: 'and' | 'or', operand: () => Formula): Formula {
    const of = [operand()];
    while (this.next === sign) {
      this.at++;
      of.push(operand());
    }
    return of.length === 1 ? (of[0] as Formula) : { kind, of };
  }

  private until(): Formula {
    const left = this.unary();
    if (this.next !== 'U' && this.next !== 'R') return left;
    const kind = this.next === 'U' ? 'until' : 'release';
    this.at++;
    return { kind, left, right: this.until() };
  }

  private unary(): Formula {
    if (++this.depth > DEPTH_MAX) throw this.unexpected(`at most ${DEPTH_MAX} levels of nesting`);
    const formula = this.operand();
    this.depth--;
    return formula;
  }

  private operand(): Formula {
    const token = this.next;
    const place = this.at++;
    switch (token) {
      case '!':
        return negate(this.unary());
      case 'X':
        return { kind: 'next', of: this.unary() };
      case 'N':
        return { kind: 'weak-next', of: this.unary() };
      case 'F':
        return { kind: 'until', left: TRUE, right: this.unary() };
      case 'G':
        return { kind: 'release', left: FALSE, right: this.unary() };
      case 'true':
        return TRUE;
      case 'false':
        return FALSE;
      case '(': {
        const inner = this.implication();
        if (this.next !== ')') throw this.unexpected(')');
        this.at++;
        return inner;
      }
      default:
        if (this.propositions.includes(token)) return { kind: 'proposition', name: token, negated: false };
        this.at = place;
        throw this.unexpected(`one of the propositions ${this.propositions.join(', ')}, or one of ( ! X N F G true false`);
    }
  }
}

/** @throws ExpressionFault */
export function parseLtl(source: string, propositions: readonly string[]): Formula {
  return new Parser(source, propositions).whole();
}

/** Part of a formula that speaks of runs without end (always again, at last for ever); undefined: none. On a finite trace it would say no more than what holds at its last step. */
export function livenessIn(formula: Formula): 'G F' | 'F G' | undefined {
  switch (formula.kind) {
    case 'and':
    case 'or':
      return formula.of.map(livenessIn).find((found) => found !== undefined);
    case 'next':
    case 'weak-next':
      return livenessIn(formula.of);
    case 'until':
    case 'release': {
      const [always, sometime] = [formula.kind === 'release' && formula.left.kind === 'false', formula.kind === 'until' && formula.left.kind === 'true'];
      const { right } = formula;
      if (always && right.kind === 'until' && right.left.kind === 'true') return 'G F';
      if (sometime && right.kind === 'release' && right.left.kind === 'false') return 'F G';
      return livenessIn(formula.left) ?? livenessIn(right);
    }
    default:
      return undefined;
  }
}
