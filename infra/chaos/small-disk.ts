/**
 * A disk that can be filled and locked: a memory file system in a mount name space of this process and its children. No
 * rights are needed where the kernel lets users make name spaces.
 */
import { execFile, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { promisify } from 'node:util';

/** A disk with more room than this is not full. */
const ROOM_KB_MAX = 4_096;
const INSIDE = 'LAUREL_CHAOS_INSIDE';
const run = promisify(execFile);

/** Whether this process may mount; else the caller starts itself again with `reenter`. */
export function insideNamespace(): boolean {
  return process.env[INSIDE] === '1';
}

export function canEnterNamespace(): boolean {
  return process.platform === 'linux' && spawnSync('unshare', ['-rm', 'true']).status === 0;
}

/** Runs this very program in a name space of its own; gives its exit code. */
export function reenter(): Promise<number> {
  const child = spawn('unshare', ['-rm', process.execPath, ...process.execArgv, ...process.argv.slice(1)], { stdio: 'inherit', env: { ...process.env, [INSIDE]: '1' } });
  const forward = (name: NodeJS.Signals): void => void child.kill(name);
  process.on('SIGINT', () => undefined); // The terminal sends it to both.
  process.on('SIGTERM', forward);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

export class SmallDisk {
  private constructor(
    readonly folder: string,
    private readonly sizeMb: number,
    /** Holds the name space open where it is not the one of this process. */
    private readonly holder: ChildProcess | null = null,
  ) {}

  /** A disk in a name space of its own, which this process does not enter: see `inside` and `outside`. */
  static async apart(folder: string, sizeMb: number): Promise<SmallDisk> {
    mkdirSync(folder, { recursive: true });
    const holder = spawn('unshare', ['-rm', 'bash', '-c', 'mount -t tmpfs -o "size=$1m" laurel-chaos "$0" && echo mounted && exec sleep infinity', folder, String(sizeMb)], { stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise<void>((resolve, reject) => {
      holder.stdout.once('data', () => resolve());
      holder.once('error', reject);
      holder.once('exit', (code) => reject(new Error(`expected a disk at ${folder}, unshare ended with ${code}`)));
    });
    return new SmallDisk(folder, sizeMb, holder);
  }

  /** Words before a command that is to see the disk. */
  get inside(): readonly string[] {
    return this.holder === null ? [] : ['nsenter', '-t', String(this.holder.pid), '-U', '-m', '--preserve-credentials', '--'];
  }

  /** Where this process sees what is on the disk. */
  get outside(): string {
    return this.holder === null ? this.folder : `/proc/${this.holder.pid}/root${this.folder}`;
  }

  static async mount(folder: string, sizeMb: number): Promise<SmallDisk> {
    mkdirSync(folder, { recursive: true });
    await run('mount', ['-t', 'tmpfs', '-o', `size=${sizeMb}m`, 'laurel-chaos', folder]);
    return new SmallDisk(folder, sizeMb);
  }

  /** Shrinks the disk to what is on it; what is written meanwhile may be more already: then a little later. */
  async fill(): Promise<void> {
    for (let roomKb = 4; ; roomKb *= 2) {
      const { stdout } = await this.run('df', '--output=used', '-k', this.folder);
      const usedKb = Number(stdout.trim().split('\n').at(-1));
      try {
        await this.remount(`size=${usedKb + roomKb}k`);
        return;
      } catch (error) {
        if (roomKb > ROOM_KB_MAX) throw error;
      }
    }
  }

  /** The kernel refuses while a file is open for writing: tried for a while. */
  async lock(): Promise<boolean> {
    for (let attempt = 0; attempt < 100; attempt++) {
      if (await this.remount('ro').then(() => true, () => false)) return true;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return false;
  }

  async mend(): Promise<void> {
    await this.remount(`rw,size=${this.sizeMb}m`);
  }

  async unmount(): Promise<void> {
    if (this.holder === null) await run('umount', ['-l', this.folder]);
    else this.holder.kill('SIGKILL');
  }

  private async remount(options: string): Promise<void> {
    await this.run('mount', '-o', `remount,${options}`, this.folder);
  }

  private run(...words: readonly string[]): Promise<{ stdout: string }> {
    const [program, ...parameters] = [...this.inside, ...words];
    return run(program as string, parameters);
  }
}
