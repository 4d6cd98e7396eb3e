/** Whether processes of this machine run. */
import { readFileSync } from 'node:fs';

/** Whether a process runs; one that has ended and is not yet collected by its parent does not. */
export function isProcessAlive(pid: number): boolean {
  if (pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
  } catch {
    return true; // No /proc on this system: the signal was the answer.
  }
}
