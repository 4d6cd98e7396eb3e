/**
 * A disk that can be filled and locked: a memory file system in a mount name space of this process and its children. No
 * rights are needed where the kernel lets users make name spaces.
 */
import { execFile, spawn, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { promisify } from 'node:util';

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
  ) {}

  static async mount(folder: string, sizeMb: number): Promise<SmallDisk> {
    mkdirSync(folder, { recursive: true });
    await run('mount', ['-t', 'tmpfs', '-o', `size=${sizeMb}m`, 'laurel-chaos', folder]);
    return new SmallDisk(folder, sizeMb);
  }

  /** Shrinks the disk to what is on it. */
  async fill(): Promise<void> {
    const { stdout } = await run('df', ['--output=used', '-k', this.folder]);
    const usedKb = Number(stdout.trim().split('\n').at(-1));
    await this.remount(`size=${usedKb + 4}k`);
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
    await run('umount', ['-l', this.folder]);
  }

  private async remount(options: string): Promise<void> {
    await run('mount', ['-o', `remount,${options}`, this.folder]);
  }
}
