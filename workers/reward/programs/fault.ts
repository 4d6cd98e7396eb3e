/** Why a program gave no value for a unit. */
import type { ErrorCode } from '../../../proto/errors.js';

export type ProgramCode = Extract<ErrorCode, `LAUREL_PROGRAM_${string}` | 'LAUREL_REWARD_INPUT_MISSING'>;

export class ProgramFault extends Error {
  override readonly name = 'ProgramFault';
  constructor(
    readonly code: ProgramCode,
    message: string,
  ) {
    super(message);
  }
}

export const failed = (message: string): ProgramFault => new ProgramFault('LAUREL_PROGRAM_FAILED', message);
