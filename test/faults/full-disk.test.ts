/** A disk that is really full: a small memory file system in a name space of its own. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { compiledPath } from '../../infra/folders.js';

const SCRIPT = `
import { LocalStore } from ${JSON.stringify(compiledPath('workers/store/local-store.ts'))};
const store = new LocalStore(process.env.FOLDER + '/store');
const put = (key, bytes) => store.putIfAbsent(key, new Uint8Array(bytes)).then(({ created }) => ({ created }), ({ code, message, retryable }) => ({ code, message, retryable }));
const tooLarge = await put('runs/a/large', 200_000);
const left = (await store.get('runs/a/large')) === undefined ? 'nothing' : 'something';
console.log(JSON.stringify({ tooLarge, left, small: await put('runs/a/small', 1_000) }));
`;

const READ_ONLY = `
import { LocalStore } from ${JSON.stringify(compiledPath('workers/store/local-store.ts'))};
import { execFileSync } from 'node:child_process';
const store = new LocalStore(process.env.FOLDER + '/store');
const put = (key) => store.putIfAbsent(key, new Uint8Array(10)).then(({ created }) => ({ created }), ({ code, message, retryable }) => ({ code, message, retryable }));
const mount = (mode) => execFileSync('mount', ['-o', 'remount,' + mode, process.env.FOLDER]);
const before = await put('runs/a/one');
mount('ro');
const readOnly = await put('runs/a/two');
const readable = (await store.get('runs/a/one'))?.length;
mount('rw');
console.log(JSON.stringify({ before, readOnly, readable, after: await put('runs/a/two') }));
`;

it.runIf(process.platform === 'linux')('a disk that was mounted read-only is an error with its code, can be read, and passes when it can be written again', async () => {
  const script = 'set -e; folder=$(mktemp -d); mount -t tmpfs -o size=1m none "$folder"; FOLDER="$folder" "$NODE" --input-type=module -e "$SCRIPT"';
  const { stdout } = await promisify(execFile)('unshare', ['-rm', 'bash', '-c', script], { env: { ...process.env, NODE: process.execPath, SCRIPT: READ_ONLY } });
  const { before, readOnly, readable, after } = JSON.parse(stdout) as { before: object; readOnly: { code: string; message: string; retryable: boolean }; readable: number; after: object };
  expect(before).toEqual({ created: true });
  expect(readOnly).toMatchObject({ code: 'LAUREL_STORE_UNAVAILABLE', retryable: true });
  expect(readOnly.message).toContain('cannot be written');
  expect(readable).toBe(10);
  expect(after).toEqual({ created: true });
});

it.runIf(process.platform === 'linux')('a full disk is an error with its code, leaves no half object, and passes when there is room', async () => {
  const script = 'set -e; folder=$(mktemp -d); mount -t tmpfs -o size=64k none "$folder"; FOLDER="$folder" "$NODE" --input-type=module -e "$SCRIPT"';
  const { stdout } = await promisify(execFile)('unshare', ['-rm', 'bash', '-c', script], { env: { ...process.env, NODE: process.execPath, SCRIPT } });
  const { tooLarge, left, small } = JSON.parse(stdout) as { tooLarge: { code: string; message: string; retryable: boolean }; left: string; small: { created: boolean } };
  expect(tooLarge).toMatchObject({ code: 'LAUREL_STORE_UNAVAILABLE', retryable: true });
  expect(tooLarge.message).toContain('the disk is full');
  expect(left).toBe('nothing');
  expect(small).toEqual({ created: true });
});
