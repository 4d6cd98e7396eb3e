/** `laurel verify <run>`: makes parts of a run again from its store and compares bytes. */
import type { Command } from 'commander';
import { FlightClientPool } from '../../../proto/flight/client-pool.js';
import { createShardHost } from '../../../workers/rollout/create-shard-host.js';
import type { ObjectStore } from '../../../workers/store/object-store.js';
import { openStore } from '../../../workers/store/open-store.js';
import { PeerReader } from '../../../workers/transport/peer-reader.js';
import { isModelRun, verifyModelRun } from '../../../workers/preference/model-verifier.js';
import { checkInvariants } from '../../../workers/verify/invariants.js';
import { RunVerifier, type VerifyReport } from '../../../workers/verify/run-verifier.js';
import { parsePositive } from '../arguments.js';
import { progressBar } from '../progress-bar.js';
import { storeRoot } from '../../folders.js';

interface VerifyCommandOptions {
  readonly all?: boolean;
  readonly sample: number;
  readonly seed: number;
}

const SAMPLE = 8;

export function addVerify(program: Command): void {
  program
    .command('verify')
    .description('play, score and train parts of a run again from its store alone, and compare every byte')
    .argument('<run>', 'id of the run')
    .option('--all', 'the whole run instead of a sample')
    .option('--sample <versions>', 'policy versions to make again, each with its segments and rewards', parsePositive, SAMPLE)
    .option('--seed <seed>', 'seed of the choice', parsePositive, 1)
    .action(verifyCommand);
}

async function verifyCommand(run: string, options: VerifyCommandOptions): Promise<void> {
  const store = openStore(storeRoot());
  if (await isModelRun(store, run)) return verifyModels(store, run);
  const invariants = await checkInvariants({ store, run });
  console.log(`${run}: ${invariants.segments.toLocaleString('en')} segments, ${invariants.versions.toLocaleString('en')} versions; ${invariants.faults.length === 0 ? 'every input has its recorded digest, the ledger agrees' : `${invariants.faults.length} faults`}`);
  if (invariants.swept > 0) console.log(`${invariants.swept.toLocaleString('en')} objects were swept by retention (sweeps/ of the run says which and why); only what is kept is checked`);
  for (const fault of invariants.faults.slice(0, 5)) console.log(`  ${fault}`);
  const clients = new FlightClientPool();
  const bar = progressBar('versions made again');
  const verifier = new RunVerifier(run, {
    store,
    reader: new PeerReader({ store, clients }),
    host: createShardHost(),
    sample: options.all === true ? null : options.sample,
    seed: options.seed,
    onProgress: (done, of, what) => bar.show(done, of, what),
  });
  try {
    const report = await verifier.verify();
    bar.stop();
    for (const line of describeReport(report)) console.log(line);
    if (report.difference !== null || invariants.faults.length > 0) process.exitCode = 1;
  } finally {
    bar.stop();
    await verifier.close();
    clients.close();
  }
}

function describeReport({ same, repeated, versions, verifiableFrom, difference }: VerifyReport): string[] {
  const count = (value: number, what: string): string => `${value.toLocaleString('en')} ${what}`;
  const lines = [
    `made again, the same to the last byte: ${[count(same.segments, 'segments played'), count(same.rewards, 'rewards computed'), `${count(same.updates, 'updates')} of ${versions.toLocaleString('en')}`, count(same.checkpoints, 'checkpoints'), count(same.rewardModels, 'reward models'), count(same.labelEntries, 'entries of label logs')].join(', ')}${repeated > 0 ? ` (${count(repeated, 'updates')} repeated on the way)` : ''}`,
  ];
  if (verifiableFrom > 1) lines.push(`of versions 1 to ${(verifiableFrom - 1).toLocaleString('en')} the segments and rewards, or what is needed to make them again, were swept`);
  if (difference === null) return [...lines, 'no difference'];
  return [...lines, `the first difference: ${difference[0]}`, ...difference.slice(1).map((step) => `  in ${step}`)];
}

async function verifyModels(store: ObjectStore, run: string): Promise<void> {
  const bar = progressBar('steps made again');
  try {
    const { same, differences } = await verifyModelRun(store, run, (done, of, what) => bar.show(done, of, what));
    bar.stop();
    console.log(`made again, the same to the last byte: ${same.toLocaleString('en')} tables, checkpoints, models and evaluations`);
    console.log(differences.length === 0 ? 'no difference' : differences.slice(0, 5).join('\n'));
    if (differences.length > 0) process.exitCode = 1;
  } finally {
    bar.stop();
  }
}
