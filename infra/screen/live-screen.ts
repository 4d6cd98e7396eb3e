/** Shows views: on a terminal in place, elsewhere as a plain line now and then. */
import { PLAIN, COLOURED, type Paint, type ScreenView } from './view.js';
import { plainLine, screenLines } from './screen-lines.js';

export interface Screen {
  show(view: ScreenView): void;
  /** A line that stays. */
  say(text: string): void;
  close(): void;
}

const PLAIN_INTERVAL_MS = 10_000;
const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';
const CLEAR_BELOW = '\u001b[0J';

export function openScreen(stream: NodeJS.WriteStream = process.stdout, variables: NodeJS.ProcessEnv = process.env): Screen {
  if (!stream.isTTY || variables['TERM'] === 'dumb') return new PlainScreen((line) => stream.write(`${line}\n`));
  return new TerminalScreen(stream, variables['NO_COLOR'] ? PLAIN : COLOURED);
}

/** Draws over what it drew before; what is said stays above. */
export class TerminalScreen implements Screen {
  private drawn = 0;
  private last: ScreenView | undefined;
  private readonly onResize = (): void => {
    // The terminal has wrapped or unwrapped the old lines: where they begin is unknown, so the next frame starts below.
    this.drawn = 0;
    if (this.last) this.show(this.last);
  };

  constructor(
    private readonly stream: Pick<NodeJS.WriteStream, 'write' | 'columns' | 'rows' | 'on' | 'off'>,
    private readonly paint: Paint,
  ) {
    stream.write(HIDE_CURSOR);
    stream.on('resize', this.onResize);
  }

  show(view: ScreenView): void {
    this.last = view;
    const width = Math.max(20, (this.stream.columns || 80) - 1);
    const height = Math.max(4, (this.stream.rows || 24) - 1);
    const lines = screenLines(view, this.paint)
      .slice(0, height)
      .map((line) => clip(line, width));
    this.stream.write(`${this.home()}${lines.join('\n')}\n`);
    this.drawn = lines.length;
  }

  say(text: string): void {
    this.stream.write(`${this.home()}${text}\n`);
    this.drawn = 0;
    if (this.last) this.show(this.last);
  }

  close(): void {
    this.stream.off('resize', this.onResize);
    this.stream.write(SHOW_CURSOR);
  }

  private home(): string {
    return `${this.drawn > 0 ? `\u001b[${this.drawn}A` : ''}\r${CLEAR_BELOW}`;
  }
}

/** A line where the state changes or something is said, and one in ten seconds. */
export class PlainScreen implements Screen {
  private shownAtMs = -Infinity;
  private state: string | undefined;

  constructor(
    private readonly print: (line: string) => void,
    private readonly now: () => number = () => performance.now(),
  ) {}

  show(view: ScreenView): void {
    const state = view.status?.state;
    const due = this.now() - this.shownAtMs >= PLAIN_INTERVAL_MS;
    if (!due && state === this.state) return;
    this.shownAtMs = this.now();
    this.state = state;
    this.print(plainLine(view));
    for (const one of view.status?.attention ?? []) this.print(`needs attention (${one.id}): ${one.step} failed with ${one.code}: ${one.message}`);
  }

  say(text: string): void {
    this.print(text);
  }

  close(): void {
    // Nothing to restore.
  }
}

/** The line cut to a width in characters, colours not counted. */
export function clip(line: string, width: number): string {
  let shown = 0;
  let out = '';
  // eslint-disable-next-line no-control-regex -- colours begin with the escape character
  for (const part of line.split(/(\u001b\[[0-9;]*m)/)) {
    if (part.startsWith('\u001b')) {
      out += part;
      continue;
    }
    const rest = [...part].slice(0, width - shown);
    shown += rest.length;
    out += rest.join('');
  }
  return out;
}
