/** A program that answers lines of JSON with lines of JSON: started at the first question, and again after it ended. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { createInterface } from 'node:readline';

/** What is passed on of the worker's own environment, beside what the job names. */
const PASSED = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TMPDIR'];
/** A line longer than this is no answer; the program is ended. */
const LINE_CHARACTERS_MAX = 65_536;
const STDERR_CHARACTERS = 1_000;

export type CommandReply = Readonly<Record<string, unknown>>;

/** Why a question has no reply. */
export class CommandFailure extends Error {
  constructor(
    message: string,
    /** The program cannot be started: no fault of any question. */
    readonly unstartable: boolean,
  ) {
    super(message);
  }
}

interface Waiting {
  readonly resolve: (reply: CommandReply) => void;
  readonly reject: (failure: CommandFailure) => void;
}

export class CommandProcess {
  private child: ChildProcessWithoutNullStreams | undefined;
  private readonly waiting = new Map<number, Waiting>();
  private stderr = '';
  private nextId = 1;

  constructor(
    private readonly command: readonly string[],
    private readonly environment: readonly string[],
  ) {}

  /**
   * The reply to a question, to which a number `id` is added.
   * @throws CommandFailure where the program ends, says something that is no reply, or is silent for `timeoutMs` (it is then ended)
   */
  async ask(question: Readonly<Record<string, unknown>>, timeoutMs: number, signal: AbortSignal): Promise<CommandReply> {
    signal.throwIfAborted();
    const child = (this.child ??= this.start());
    const id = this.nextId++;
    let timer: NodeJS.Timeout | undefined;
    let leave: (() => void) | undefined;
    try {
      return await new Promise<CommandReply>((resolve, reject) => {
        this.waiting.set(id, { resolve, reject });
        timer = setTimeout(() => this.end(child, `no answer in ${timeoutMs} ms`), timeoutMs);
        leave = () => reject(signal.reason as Error);
        signal.addEventListener('abort', leave, { once: true });
        child.stdin.write(`${JSON.stringify({ id, ...question })}\n`);
      });
    } finally {
      clearTimeout(timer);
      this.waiting.delete(id);
      if (leave) signal.removeEventListener('abort', leave);
    }
  }

  close(): void {
    if (this.child) this.end(this.child, 'the judge was closed');
  }

  private start(): ChildProcessWithoutNullStreams {
    const [program = '', ...parameters] = this.command;
    const env = Object.fromEntries([...PASSED, ...this.environment].flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])));
    // A group of its own, so that what it starts ends with it.
    const child = spawn(program, parameters, { env, stdio: 'pipe', detached: true, shell: false });
    this.stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.stderr = (this.stderr + text).slice(-STDERR_CHARACTERS)));
    // A program that ends while it is written to is told by its exit.
    child.stdin.on('error', () => undefined);
    createInterface({ input: child.stdout, crlfDelay: Infinity }).on('line', (line) => this.hear(child, line));
    child.once('error', (error) => this.gone(child, `it cannot be started: ${error.message}`, true));
    child.once('close', (code, signal) => this.gone(child, `it ended (${signal ?? `exit code ${code}`})${this.stderr.trim() === '' ? '' : `; it said: ${this.stderr.trim()}`}`, false));
    return child;
  }

  private hear(child: ChildProcessWithoutNullStreams, line: string): void {
    if (line.trim() === '') return;
    if (line.length > LINE_CHARACTERS_MAX) return this.end(child, `a line of ${line.length} characters`);
    const reply = parseObject(line);
    const waiting = typeof reply?.['id'] === 'number' ? this.waiting.get(reply['id']) : undefined;
    // A reply to a question that was given up has nobody left to hear it.
    if (reply !== undefined && typeof reply['id'] === 'number') return waiting?.resolve(reply);
    this.end(child, `a line that is no JSON object with the id of a question: ${line.slice(0, 200)}`);
  }

  /** Ends the program with all that it started. Its questions fail. */
  private end(child: ChildProcessWithoutNullStreams, why: string): void {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It is gone already.
    }
    this.gone(child, why, false);
  }

  private gone(child: ChildProcessWithoutNullStreams, why: string, unstartable: boolean): void {
    if (this.child !== child) return;
    this.child = undefined;
    const failed = [...this.waiting.values()];
    this.waiting.clear();
    for (const { reject } of failed) reject(new CommandFailure(why, unstartable));
  }
}

function parseObject(line: string): CommandReply | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as CommandReply) : undefined;
  } catch {
    return undefined;
  }
}
