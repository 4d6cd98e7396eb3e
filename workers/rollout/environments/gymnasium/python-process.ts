/** One Python process and the frames to and from it; requests are answered in order. */
import { spawn, type ChildProcess } from 'node:child_process';
import { LaurelError } from '../../../../proto/errors.js';
import { PYTHON_SOURCE } from './python-source.js';

export interface Frame {
  readonly header: Readonly<Record<string, unknown>>;
  readonly body: Uint8Array;
}

const STDERR_BYTES_MAX = 4_000;
const CLOSE_MS_MAX = 3_000;

export class PythonProcess {
  private readonly child: ChildProcess;
  private readonly waiting: { resolve: (frame: Frame) => void; reject: (error: Error) => void }[] = [];
  private received: Buffer[] = [];
  private receivedBytes = 0;
  private errorTail = '';
  private ended: LaurelError | undefined;
  private readonly exited: Promise<void>;

  constructor(interpreter: string) {
    // The process ends when its input does, so it never outlives this one.
    this.child = spawn(interpreter, ['-u', '-c', PYTHON_SOURCE], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.child.stdout?.on('data', (data: Buffer) => this.receive(data));
    this.child.stderr?.on('data', (data: Buffer) => (this.errorTail = (this.errorTail + data.toString()).slice(-STDERR_BYTES_MAX)));
    this.child.stdin?.on('error', () => undefined);
    this.exited = new Promise((resolve) => {
      const over = (why: string): void => {
        this.ended ??= new LaurelError('LAUREL_ENVIRONMENT_FAILED', `expected the Python process of the environment to answer, it ended (${why}): ${this.errorTail.trim().slice(-1_500) || 'it printed nothing'}`);
        for (const { reject } of this.waiting.splice(0)) reject(this.ended);
        resolve();
      };
      this.child.once('error', (error) => over(error.message));
      this.child.once('exit', (code, signal) => over(signal ?? `exit code ${code}`));
    });
  }

  get alive(): boolean {
    return this.ended === undefined;
  }

  /** @throws LaurelError LAUREL_ENVIRONMENT_UNKNOWN, LAUREL_ENVIRONMENT_FAILED */
  async request(header: Readonly<Record<string, unknown>>, body: Uint8Array = new Uint8Array(0)): Promise<Frame> {
    if (this.ended) throw this.ended;
    const text = Buffer.from(JSON.stringify(header));
    const lengths = Buffer.alloc(8);
    lengths.writeUInt32LE(text.byteLength + body.byteLength, 0);
    lengths.writeUInt32LE(text.byteLength, 4);
    const answer = new Promise<Frame>((resolve, reject) => this.waiting.push({ resolve, reject }));
    this.child.stdin?.write(Buffer.concat([lengths, text, body]));
    const frame = await answer;
    const { error, unknown } = frame.header;
    if (typeof unknown === 'string') throw new LaurelError('LAUREL_ENVIRONMENT_UNKNOWN', `expected the id of a registered Gymnasium environment, got ${JSON.stringify(header['id'])}: ${unknown.trim()}; correct environment.id, or name in environment.python an interpreter whose packages register it`);
    if (typeof error === 'string') throw new LaurelError('LAUREL_ENVIRONMENT_FAILED', `expected the environment to answer ${String(header['command'])}, got: ${error.trim().slice(-1_500)}`);
    return frame;
  }

  async close(): Promise<void> {
    this.child.stdin?.end();
    const timer = setTimeout(() => this.child.kill('SIGKILL'), CLOSE_MS_MAX);
    await this.exited;
    clearTimeout(timer);
  }

  private receive(data: Buffer): void {
    this.received.push(data);
    this.receivedBytes += data.byteLength;
    while (this.receivedBytes >= 8) {
      const bytes = this.received.length === 1 ? (this.received[0] as Buffer) : Buffer.concat(this.received);
      this.received = [bytes];
      const length = bytes.readUInt32LE(0);
      if (bytes.byteLength < 8 + length) return;
      const headerLength = bytes.readUInt32LE(4);
      const header = JSON.parse(bytes.subarray(8, 8 + headerLength).toString('utf8')) as Frame['header'];
      const body = Uint8Array.prototype.slice.call(bytes, 8 + headerLength, 8 + length);
      this.received = [bytes.subarray(8 + length)];
      this.receivedBytes -= 8 + length;
      this.waiting.shift()?.resolve({ header, body });
    }
  }
}
