/** The checks of `laurel doctor`. Each says what was found and, where something is wrong, what to do. */
import { constants } from 'node:fs';
import { access, statfs } from 'node:fs/promises';
import { cpus, freemem, totalmem } from 'node:os';
import { dirname } from 'node:path';
import { ERROR_TABLE, errorCodeOf } from '../../proto/errors.js';
import { ASSETS, assetStatus, cacheFolder, runProgram } from '../../workers/assets/index.js';
import { openStore } from '../../workers/store/open-store.js';
import { S3Store } from '../../workers/store/s3-store.js';
import { connectTo, namedServer } from '../devserver/connection.js';
import { findDevServer } from '../devserver/dev-server.js';
import { missingSearchAttributes, registrationCommand } from '../devserver/search-attributes.js';
import { stateFolder, storeRoot } from '../folders.js';
import { temporalCliAsset } from '../temporal-cli/asset.js';
import { findTemporalCli } from '../temporal-cli/temporal-cli.js';

export interface Check {
  readonly title: string;
  /** note: not there yet, but the next start gets it. */
  readonly state: 'good' | 'note' | 'bad';
  readonly found: string;
  /** Empty where nothing is to be done. */
  readonly action: string;
}

const NODE_MINIMUM = [20, 3] as const;
const FREE_BYTES_MIN = 2e9;
const MEMORY_BYTES_MIN = 3e9;

export async function runChecks(): Promise<Check[]> {
  const others = await Promise.all([
    checkFolder('cache folder', cacheFolder(), 'LAUREL_CACHE'),
    checkFolder('state folder', stateFolder(), 'LAUREL_STATE'),
    guarded('store', checkStore),
    guarded("Temporal's CLI", checkCli),
    ...Object.values(ASSETS).map((definition) => guarded(definition.title, () => checkAsset(definition))),
    checkProgram('Python with pip', process.env['LAUREL_PYTHON'] || 'python3', ['-m', 'pip', '--version'], 'needed only to fetch NetHack and the embedded model, and for Gymnasium environments'),
    checkProgram('Go', 'go', ['version'], "needed only to build Temporal's CLI where it cannot be downloaded"),
    guarded('Temporal server', checkServer),
  ]);
  return [checkNode(process.versions.node), checkMachine(), ...others];
}

export function checkNode(version: string): Check {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const good = major > NODE_MINIMUM[0] || (major === NODE_MINIMUM[0] && minor >= NODE_MINIMUM[1]);
  return { title: 'Node', state: good ? 'good' : 'bad', found: version, action: good ? '' : `install Node ${NODE_MINIMUM.join('.')} or newer` };
}

function checkMachine(): Check {
  const found = `${cpus().length} cores, ${(totalmem() / 1e9).toFixed(0)} GB memory (${(freemem() / 1e9).toFixed(1)} GB free)`;
  const small = totalmem() < MEMORY_BYTES_MIN;
  return { title: 'machine', state: small ? 'note' : 'good', found, action: small ? 'with less than 3 GB give jobs few environments and a scripted or remote judge' : '' };
}

async function checkFolder(title: string, path: string, variable: string): Promise<Check> {
  let existing = path;
  try {
    for (;;) {
      try {
        await access(existing, constants.W_OK);
        break;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(existing) === existing) throw error;
        existing = dirname(existing);
      }
    }
    const space = await statfs(existing);
    const freeBytes = space.bavail * space.bsize;
    const found = `${path}, ${(freeBytes / 1e9).toFixed(1)} GB free`;
    return freeBytes < FREE_BYTES_MIN ? { title, state: 'bad', found, action: `make room, or set ${variable} to a folder with more` } : { title, state: 'good', found, action: '' };
  } catch (error) {
    return { title, state: 'bad', found: `${path} cannot be written (${(error as NodeJS.ErrnoException).code ?? 'error'})`, action: `mend its permissions, or set ${variable} to another folder` };
  }
}

async function checkStore(): Promise<Check> {
  const location = storeRoot();
  const store = openStore(location);
  if (!(store instanceof S3Store)) return checkFolder('store', location, 'LAUREL_STORE');
  await store.check();
  return { title: 'store', state: 'good', found: `${location} answers, can be written and honours conditions`, action: '' };
}

async function checkCli(): Promise<Check> {
  const title = "Temporal's CLI";
  if (namedServer()) return { title, state: 'good', found: 'not needed: a server is named', action: '' };
  const found = await findTemporalCli();
  if (found) return { title, state: 'good', found: `${found.path} (${found.version})`, action: '' };
  return { title, state: 'note', found: 'not here yet', action: `\`npm start\` fetches or builds it; or ${temporalCliAsset().remedy}` };
}

async function checkAsset(definition: Parameters<typeof assetStatus>[0]): Promise<Check> {
  const status = await assetStatus(definition, { deep: true });
  const state = status.state === 'present' ? 'good' : status.state === 'missing' && status.origin === 'cache' ? 'note' : 'bad';
  return { title: status.title, state, found: status.found, action: status.action };
}

async function checkProgram(title: string, program: string, parameters: readonly string[], use: string): Promise<Check> {
  try {
    const result = await runProgram(program, parameters, { timeoutMs: 20_000 });
    if (result.code === 0) return { title, state: 'good', found: result.stdout.trim().split('\n')[0] ?? '', action: '' };
    return { title, state: 'note', found: `\`${program} ${parameters.join(' ')}\` ended with exit code ${result.code}`, action: use };
  } catch (error) {
    return { title, state: 'note', found: (error as Error).message, action: use };
  }
}

async function checkServer(): Promise<Check> {
  const title = 'Temporal server';
  const named = namedServer();
  const target = named ?? (await findDevServer(stateFolder()));
  if (target === undefined) return { title, state: 'note', found: 'none is named and none runs here', action: '`npm start` starts one; or name yours in TEMPORAL_ADDRESS or a Temporal profile' };
  const connection = await connectTo(target, 5_000);
  try {
    const missing = await missingSearchAttributes(connection, target.namespace);
    const found = `${target.address}, namespace ${target.namespace}${named ? '' : ' (development server of this state folder)'}`;
    if (missing.length === 0) return { title, state: 'good', found, action: '' };
    return { title, state: 'note', found: `${found}; search attributes missing: ${missing.join(', ')}`, action: `\`npm start\` registers them, or: ${registrationCommand(missing, target.namespace)}` };
  } finally {
    await connection.close();
  }
}

/** A check that throws has found a fault; it must not hide the others. */
async function guarded(title: string, check: () => Promise<Check>): Promise<Check> {
  try {
    return await check();
  } catch (error) {
    const code = errorCodeOf(error);
    return { title, state: 'bad', found: `${code ?? 'error'}: ${(error as Error).message}`, action: code === undefined ? '' : ERROR_TABLE[code].action };
  }
}
