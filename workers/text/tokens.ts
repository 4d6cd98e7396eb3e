/** Texts as tokens and back. Made once for a run and stored with it; tokens that were drawn are stored, never made again from text. */
import { LaurelError } from '../../proto/errors.js';
import type { TransformerPolicySpec } from '../../proto/learning.js';

/** Ends a completion; has no text. */
export const END_TOKEN = 0;

export interface TokenTable {
  /** Text of each token by id; that of the end is empty. */
  readonly tokens: readonly string[];
  /** Pairs of ids that are joined, first ones first; the pair at place i gives the id `tokens.length - merges.length + i`. */
  readonly merges: readonly (readonly [left: number, right: number])[];
}

/** @param texts what frequencies of pairs are counted on (byte-pair) */
export function makeTokens(spec: TransformerPolicySpec['tokens'], alphabet: string, texts: readonly string[]): TokenTable {
  const characters = { tokens: ['', ...alphabet], merges: [] };
  return spec.kind === 'character' ? characters : joinPairs(characters, texts, spec.merges);
}

/** Joins the most frequent pair again and again; among equals the one of lower ids. */
function joinPairs(base: TokenTable, texts: readonly string[], most: number): TokenTable {
  const tokens = [...base.tokens];
  const merges: (readonly [number, number])[] = [];
  const coder = new TokenCoder(base);
  let lines = texts.map((text) => coder.encode(text));
  while (merges.length < most) {
    const counts = new Map<number, number>();
    for (const line of lines) for (let at = 1; at < line.length; at++) count(counts, (line[at - 1] as number) * PAIR + (line[at] as number));
    const [best] = [...counts].sort(([a, x], [b, y]) => y - x || a - b);
    if (!best || best[1] < 2) break;
    const pair = [Math.floor(best[0] / PAIR), best[0] % PAIR] as const;
    const joined = tokens.length;
    tokens.push(`${tokens[pair[0]]}${tokens[pair[1]]}`);
    merges.push(pair);
    lines = lines.map((line) => join(line, pair, joined));
  }
  return { tokens, merges };
}

const PAIR = 0x10000;

function count(counts: Map<number, number>, key: number): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function join(line: readonly number[], [left, right]: readonly [number, number], joined: number): number[] {
  const out: number[] = [];
  for (let at = 0; at < line.length; at++) {
    if (line[at] === left && line[at + 1] === right) {
      out.push(joined);
      at++;
    } else out.push(line[at] as number);
  }
  return out;
}

export class TokenCoder {
  private readonly ids: ReadonlyMap<string, number>;
  private readonly firstJoined: number;

  constructor(private readonly table: TokenTable) {
    this.firstJoined = table.tokens.length - table.merges.length;
    this.ids = new Map(table.tokens.slice(1, this.firstJoined).map((token, index) => [token, index + 1]));
  }

  get vocabulary(): number {
    return this.table.tokens.length;
  }

  /** @throws LaurelError LAUREL_INVARIANT_VIOLATED where the text holds a character that the table does not know */
  encode(text: string): number[] {
    const line = [...text].map((character) => {
      const id = this.ids.get(character);
      if (id === undefined) throw new LaurelError('LAUREL_INVARIANT_VIOLATED', `expected characters of the task's alphabet, got ${JSON.stringify(character)}`);
      return id;
    });
    return this.table.merges.reduce((joined, pair, index) => (joined.length > 1 ? join(joined, pair, this.firstJoined + index) : joined), line);
  }

  decode(tokens: ArrayLike<number>): string {
    return Array.from(tokens, (id) => this.table.tokens[id] ?? '').join('');
  }
}
