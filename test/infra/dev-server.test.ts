import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@temporalio/client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectTo } from '../../infra/devserver/connection.js';
import { findDevServer, openDevServer, type DevServer } from '../../infra/devserver/dev-server.js';
import { ServerKeeper } from '../../infra/devserver/keeper.js';
import { readRecord, writeRecord } from '../../infra/devserver/record.js';
import { isProcessAlive } from '../../workers/process-alive.js';
import { ensureSearchAttributes, missingSearchAttributes } from '../../infra/devserver/search-attributes.js';
import { findTemporalCli } from '../../infra/temporal-cli/temporal-cli.js';

describe('the dev server of a state folder', () => {
  let state: string;
  let executable: string;
  const servers: DevServer[] = [];
  const open = async (): Promise<DevServer> => {
    const server = await openDevServer({ state, executable, ports: 'any' });
    servers.push(server);
    return server;
  };

  beforeEach(async () => {
    state = await mkdtemp(join(tmpdir(), 'laurel-server-'));
    const found = await findTemporalCli();
    if (found === undefined) throw new Error('expected the Temporal CLI in the cache: `npm test` fetches it');
    executable = found.path;
  });

  afterEach(async () => {
    for (const server of servers.splice(0)) await server.stop();
    await rm(state, { recursive: true, force: true });
  });

  it('is ready with the search attributes of a run, keeps its runs and its address over a restart, and leaves no process', async () => {
    const first = await open();
    expect(first).toMatchObject({ reused: false, owned: true });
    let connection = await connectTo(first.target);
    expect(await missingSearchAttributes(connection, 'default')).toEqual([]);
    const handle = await new Client({ connection }).workflow.start('waits', { taskQueue: 'nobody', workflowId: 'kept', args: [] });
    await connection.close();
    await first.stop();
    expect(isProcessAlive(first.pid)).toBe(false);
    expect(await findDevServer(state)).toBeUndefined();

    const second = await open();
    expect(second.reused).toBe(false);
    expect(second.target.address).toBe(first.target.address);
    connection = await connectTo(second.target);
    const description = await new Client({ connection }).workflow.getHandle('kept').describe();
    expect(description.runId).toBe(handle.firstExecutionRunId);
    await connection.close();
  });

  it('is used by a second start, which does not stop what it did not start', async () => {
    const [first, second] = await Promise.all([open(), open()]);
    expect([first.reused, second.reused].sort()).toEqual([false, true]);
    expect(second.target.address).toBe(first.target.address);
    // Another process owns the server now: this one must not stop it.
    const owner = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    const record = await readRecord(state);
    await writeRecord(state, { ...record!, ownerPid: owner.pid! });
    const guest = await open();
    expect(guest).toMatchObject({ reused: true, owned: false, pid: first.pid });
    await guest.stop();
    expect(isProcessAlive(first.pid)).toBe(true);
    // The owner dies: the next start takes the server over and stops it.
    owner.kill('SIGKILL');
    await once(owner, 'exit');
    const heir = await open();
    expect(heir).toMatchObject({ reused: true, owned: true, pid: first.pid });
    await heir.stop();
    expect(isProcessAlive(first.pid)).toBe(false);
  });

  it('moves to other ports where a stranger has taken its own', async () => {
    const stranger = createServer().listen(0, '127.0.0.1');
    await once(stranger, 'listening');
    const port = (stranger.address() as AddressInfo).port;
    await writeRecord(state, { pid: process.pid, ownerPid: process.pid, running: true, port, uiPort: port });
    try {
      const server = await open();
      expect(server.reused).toBe(false);
      expect(server.target.address).not.toBe(`127.0.0.1:${port}`);
    } finally {
      stranger.close();
    }
  });

  it('tries again with other ports where a program takes one between the choice and the bind', async () => {
    const calls = join(state, 'calls');
    const script = join(state, 'temporal');
    // The first start ends as a server does whose port was taken a moment ago; the ports of the next are free.
    await writeFile(script, `#!/bin/sh\necho "$@" >> '${calls}'\nif [ "$(wc -l < '${calls}')" = 1 ]; then echo 'listen tcp 127.0.0.1:1: bind: address already in use'; exit 1; fi\nexec '${executable}' "$@"\n`, { mode: 0o755 });
    const server = await openDevServer({ state, executable: script, ports: 'any' });
    servers.push(server);
    const starts = (await readFile(calls, 'utf8')).trim().split('\n');
    expect(starts).toHaveLength(2);
    expect(starts[1]).toContain(`--port ${server.target.address.split(':')[1]!}`);
  });

  it('is kept alive at its address: while a stranger has its port it waits, for workers and runs know no other', async () => {
    const said: string[] = [];
    const keeper = await ServerKeeper.open({ state, executable, ports: 'any' }, (text) => said.push(text));
    const { target, pid } = keeper.server;
    const [host, port] = target.address.split(':') as [string, string];
    process.kill(pid, 'SIGKILL');
    const stranger = createServer();
    stranger.on('error', () => setTimeout(() => stranger.listen(Number(port), host), 20));
    stranger.listen(Number(port), host);
    try {
      await expect.poll(() => said.join('\n'), { timeout: 15_000 }).toContain('which the workers know, to be free');
      stranger.close();
      await expect.poll(() => said.at(-1), { timeout: 30_000 }).toBe(`the development server is back at ${target.address}`);
    } finally {
      stranger.close();
      await keeper.close();
    }
  });

  it('says with the end of the log why a server did not come up', async () => {
    const failing = openDevServer({ state, executable: process.execPath, ports: 'any' });
    await expect(failing).rejects.toMatchObject({ code: 'LAUREL_SERVER_UNREACHABLE', message: expect.stringContaining('exit code') as string });
    expect((await readRecord(state))?.running).toBe(false);
    expect(await readFile(join(state, 'logs', 'server.log'), 'utf8')).not.toBe('');
  });

  it('registers missing search attributes on a server of one\'s own, and does so twice without harm', async () => {
    const server = await open();
    const connection = await connectTo(server.target);
    await connection.operatorService.removeSearchAttributes({ namespace: 'default', searchAttributes: ['LaurelVersion'] });
    expect(await missingSearchAttributes(connection, 'default')).toEqual(['LaurelVersion']);
    expect(await ensureSearchAttributes(connection, 'default')).toEqual(['LaurelVersion']);
    expect(await ensureSearchAttributes(connection, 'default')).toEqual([]);
    await connection.close();
  });
});

describe('a server that does not answer', () => {
  it('is reported with its address and what to do', async () => {
    const closed = createServer().listen(0, '127.0.0.1');
    await once(closed, 'listening');
    const address = `127.0.0.1:${(closed.address() as AddressInfo).port}`;
    closed.close();
    const attempt = connectTo({ address, namespace: 'default', variables: {}, connection: { address }, uiAddress: undefined }, 500);
    await expect(attempt).rejects.toMatchObject({ code: 'LAUREL_SERVER_UNREACHABLE', message: expect.stringContaining(address) as string });
  });
});
