/** Regular expressions of rules: matched by RE2, in time linear in the text, whatever a job or a program writes. */
import { RE2JS } from 're2js';
import { LaurelError } from '../../../proto/errors.js';

export class LinearPattern {
  private readonly expression: RE2JS;

  /** @throws LaurelError LAUREL_PROGRAM_INVALID */
  constructor(pattern: string) {
    try {
      this.expression = RE2JS.compile(RE2JS.translateRegExp(pattern));
    } catch (cause) {
      throw new LaurelError('LAUREL_PROGRAM_INVALID', `expected a regular expression that RE2 knows, got ${JSON.stringify(pattern)}: ${(cause as Error).message}`, { pattern }, { cause });
    }
  }

  test(text: string): boolean {
    return this.expression.matcher(text).find();
  }

  /** The first group, or the match where there is no group; undefined: not found. */
  capture(text: string): string | undefined {
    const matcher = this.expression.matcher(text);
    return matcher.find() ? this.taken(matcher) : undefined;
  }

  /** Of every match, without overlap. */
  captures(text: string): string[] {
    const matcher = this.expression.matcher(text);
    const found: string[] = [];
    while (matcher.find()) found.push(this.taken(matcher));
    return found;
  }

  private taken(matcher: { groupCount(): number; group(group?: number): string | null }): string {
    return (matcher.groupCount() > 0 ? matcher.group(1) : matcher.group()) ?? '';
  }
}

/** The part of a text that a rule looks at; null: there is none. */
export function picker(pick: string | null): (text: string) => string | null {
  if (pick === null) return (text) => text;
  const pattern = new LinearPattern(pick);
  return (text) => pattern.capture(text) ?? null;
}
