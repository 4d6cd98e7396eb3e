/**
 * Text to syntax tree: literals, names, `let name = value;`, `condition ? a : b`, `||`, `&&`, comparisons, `+ - * / % **`,
 * `! -`, calls, `value.key`, `value[index]`, `[a, b]`, and `name => value` as an argument. No loops, no assignment.
 */
import { ExpressionFault } from './types.js';

export type Node = { readonly at: number } & (
  | { readonly kind: 'literal'; readonly value: number | string | boolean }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'list'; readonly items: readonly Node[] }
  | { readonly kind: 'let'; readonly name: string; readonly value: Node; readonly body: Node }
  | { readonly kind: 'choice'; readonly condition: Node; readonly then: Node; readonly otherwise: Node }
  | { readonly kind: 'binary'; readonly operator: string; readonly left: Node; readonly right: Node }
  | { readonly kind: 'unary'; readonly operator: string; readonly operand: Node }
  | { readonly kind: 'call'; readonly name: string; readonly items: readonly Node[] }
  | { readonly kind: 'member'; readonly of: Node; readonly key: string }
  | { readonly kind: 'index'; readonly of: Node; readonly index: Node }
  | { readonly kind: 'function'; readonly parameter: string; readonly body: Node }
);

interface Token {
  readonly kind: 'number' | 'text' | 'name' | 'sign' | 'end';
  readonly text: string;
  readonly at: number;
}

const NESTING_MAX = 100;
const SIGNS = ['=>', '**', '==', '!=', '<=', '>=', '&&', '||', '(', ')', '[', ']', ',', '.', ';', '=', '?', ':', '+', '-', '*', '/', '%', '<', '>', '!'];
const BINDING: Readonly<Record<string, number>> = { '||': 1, '&&': 2, '==': 3, '!=': 3, '<': 4, '>': 4, '<=': 4, '>=': 4, '+': 5, '-': 5, '*': 6, '/': 6, '%': 6, '**': 8 };
const UNARY_BINDING = 7;

function tokensOf(source: string): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < source.length; ) {
    const rest = source.slice(at);
    const skipped = /^(\s+|\/\/[^\n]*)/.exec(rest);
    if (skipped) {
      at += skipped[0].length;
      continue;
    }
    const number = /^(\d+(\.\d+)?|\.\d+)([eE][+-]?\d+)?/.exec(rest);
    const name = /^[A-Za-z_][A-Za-z0-9_]*/.exec(rest);
    const text = /^"(?:[^"\\\n]|\\.)*"|^'(?:[^'\\\n]|\\.)*'/.exec(rest);
    const sign = SIGNS.find((one) => rest.startsWith(one));
    if (number) tokens.push({ kind: 'number', text: number[0], at });
    else if (name) tokens.push({ kind: 'name', text: name[0], at });
    else if (text) tokens.push({ kind: 'text', text: text[0], at });
    else if (sign !== undefined) tokens.push({ kind: 'sign', text: sign, at });
    else throw new ExpressionFault(`expected a name, a number, a text or a sign, got ${JSON.stringify(rest[0])}`, at);
    at += (number ?? name ?? text)?.[0].length ?? (sign as string).length;
  }
  return [...tokens, { kind: 'end', text: 'the end', at: source.length }];
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '\\': '\\', '"': '"', "'": "'" };

function textOf(token: Token): string {
  return token.text.slice(1, -1).replace(/\\(u\{([0-9a-fA-F]{1,6})\}|.)/gs, (_, one: string, code: string | undefined) => {
    if (code !== undefined && Number.parseInt(code, 16) <= 0x10ffff) return String.fromCodePoint(Number.parseInt(code, 16));
    const escaped = ESCAPES[one];
    if (escaped === undefined) throw new ExpressionFault(`expected one of \\n \\t \\r \\\\ \\" \\' \\u{hex}, got \\${one}`, token.at);
    return escaped;
  });
}

class Parser {
  private place = 0;
  private depth = 0;

  constructor(private readonly tokens: readonly Token[]) {}

  whole(): Node {
    const node = this.body();
    if (this.next.kind !== 'end') throw this.unexpected('the end');
    return node;
  }

  private get next(): Token {
    return this.tokens[this.place] as Token;
  }

  private is(text: string): boolean {
    return this.next.text === text && (this.next.kind === 'sign' || this.next.kind === 'name');
  }

  private take(text: string): Token {
    if (!this.is(text)) throw this.unexpected(JSON.stringify(text));
    return this.tokens[this.place++] as Token;
  }

  private name(): string {
    if (this.next.kind !== 'name') throw this.unexpected('a name');
    return (this.tokens[this.place++] as Token).text;
  }

  private unexpected(wanted: string): ExpressionFault {
    return new ExpressionFault(`expected ${wanted}, got ${this.next.kind === 'end' ? 'the end' : this.next.text}`, this.next.at);
  }

  private body(): Node {
    const { at } = this.next;
    if (!this.is('let')) return this.choice();
    return this.nested(() => {
      this.take('let');
      const name = this.name();
      this.take('=');
      const value = this.choice();
      this.take(';');
      return { kind: 'let', at, name, value, body: this.body() };
    });
  }

  private choice(): Node {
    return this.nested(() => {
      const { at } = this.next;
      const condition = this.binary(0);
      if (!this.is('?')) return condition;
      this.take('?');
      const then = this.choice();
      this.take(':');
      return { kind: 'choice', at, condition, then, otherwise: this.choice() };
    });
  }

  private binary(least: number): Node {
    let left = this.unary();
    for (;;) {
      const { text: operator, at, kind } = this.next;
      const binding = kind === 'sign' ? BINDING[operator] : undefined;
      if (binding === undefined || binding <= least) return left;
      this.place++;
      // ** binds to the right.
      const before = left;
      const right = this.nested(() => this.binary(operator === '**' ? binding - 1 : binding));
      left = { kind: 'binary', at, operator, left: before, right };
    }
  }

  private unary(): Node {
    const { text: operator, at } = this.next;
    if (!this.is('-') && !this.is('!')) return this.postfix();
    this.place++;
    return this.nested(() => ({ kind: 'unary', at, operator, operand: this.binary(UNARY_BINDING) }));
  }

  private postfix(): Node {
    let node = this.primary();
    for (;;) {
      const { at } = this.next;
      if (this.is('.')) {
        this.take('.');
        node = { kind: 'member', at, of: node, key: this.name() };
      } else if (this.is('[')) {
        this.take('[');
        node = { kind: 'index', at, of: node, index: this.choice() };
        this.take(']');
      } else return node;
    }
  }

  private primary(): Node {
    const token = this.next;
    const { at } = token;
    if (token.kind === 'number' || token.kind === 'text') {
      this.place++;
      return { kind: 'literal', at, value: token.kind === 'number' ? Number(token.text) : textOf(token) };
    }
    if (this.is('(')) {
      this.take('(');
      const node = this.body();
      this.take(')');
      return node;
    }
    if (this.is('[')) return { kind: 'list', at, items: this.items('[', ']') };
    if (token.kind !== 'name') throw this.unexpected('a value');
    this.place++;
    if (token.text === 'true' || token.text === 'false') return { kind: 'literal', at, value: token.text === 'true' };
    if (token.text === 'let') throw new ExpressionFault('expected a value, got let: it stands at the start, or in parentheses', at);
    if (this.is('(')) return { kind: 'call', at, name: token.text, items: this.items('(', ')') };
    if (this.is('=>')) {
      this.take('=>');
      return { kind: 'function', at, parameter: token.text, body: this.choice() };
    }
    return { kind: 'name', at, name: token.text };
  }

  private items(open: string, close: string): Node[] {
    this.take(open);
    const items: Node[] = [];
    while (!this.is(close)) {
      if (items.length > 0) this.take(',');
      items.push(this.choice());
    }
    this.take(close);
    return items;
  }

  private nested<T>(inner: () => T): T {
    if (++this.depth > NESTING_MAX) throw new ExpressionFault(`expected at most ${NESTING_MAX} levels of nesting`, this.next.at);
    const made = inner();
    this.depth--;
    return made;
  }
}

/** @throws ExpressionFault */
export function parseExpression(source: string): Node {
  return new Parser(tokensOf(source)).whole();
}
