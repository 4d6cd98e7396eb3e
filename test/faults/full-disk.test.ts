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

it.runIf(process.platform === 'linux')('a full disk is an error with its code, leaves no half object, and passes when there is room', async () => {
  const script = 'set -e; folder=$(mktemp -d); mount -t tmpfs -o size=64k none "$folder"; FOLDER="$folder" "$NODE" --input-type=module -e "$SCRIPT"';
  const { stdout } = await promisify(execFile)('unshare', ['-rm', 'bash', '-c', script], { env: { ...process.env, NODE: process.execPath, SCRIPT } });
  const { tooLarge, left, small } = JSON.parse(stdout) as { tooLarge: { code: string; message: string; retryable: boolean }; left: string; small: { created: boolean } };
  expect(tooLarge).toMatchObject({ code: 'LAUREL_STORE_UNAVAILABLE', retryable: true });
  expect(tooLarge.message).toContain('the disk is full');
  expect(left).toBe('nothing');
  expect(small).toEqual({ created: true });
});
