/**
 * Calls into one copy of NetHack's library. Addresses are passed as numbers, which the foreign-function layer converts
 * fastest; the calls are synchronous and run on the caller's thread.
 */
import koffi, { type LibraryHandle } from 'koffi';
import { LaurelError } from '../../../../proto/errors.js';
import { shareCode } from './shared-code.js';

type Address = number;

/** A loaded copy of the library: `start` begins a game, `step` reads the action of the observation and plays one key. */
export class Binding {
  private readonly library: LibraryHandle;
  private readonly startGame: (observation: Address, recording: Address, settings: Address) => Address;
  private readonly endGame: (game: Address) => void;
  /** Plays one key of `game`; the observation's buffers are filled afterwards. */
  readonly step: (game: Address, observation: Address) => void;

  /**
   * Loads a copy that no other game has. Deep binding: two copies must not share symbols. `content` names the content
   * of the file, for `shareCode`.
   * @throws LaurelError LAUREL_ENVIRONMENT_FAILED where the file is not a library for this machine.
   */
  constructor(path: string, content: string) {
    try {
      this.library = koffi.load(path, { deep: true, lazy: true });
      this.startGame = this.library.func('nle_start', 'uintptr_t', ['uintptr_t', 'uintptr_t', 'uintptr_t']) as typeof this.startGame;
      this.step = this.library.func('nle_step', 'void', ['uintptr_t', 'uintptr_t']) as typeof this.step;
      this.endGame = this.library.func('nle_end', 'void', ['uintptr_t']) as typeof this.endGame;
      shareCode(path, content, Number(koffi.address(this.library.symbol('nle_step'))));
    } catch (error) {
      throw new LaurelError('LAUREL_ENVIRONMENT_FAILED', `expected to load NetHack from ${path}; got: ${(error as Error).message}. Run \`laurel doctor\`; where the temporary folder forbids programs (noexec), set TMPDIR to another one.`, {}, { cause: error });
    }
  }

  start(observation: Address, settings: Address): Address {
    return this.startGame(observation, 0, settings);
  }

  /** Sets a 64-bit integer among the library's globals. */
  setGlobal(name: string, value: number): void {
    koffi.encode(this.library.symbol(name), 'int64_t', value);
  }

  /** Ends the game and unloads the copy: only a fresh load starts with clean globals. */
  end(game: Address): void {
    this.endGame(game);
    this.library.unload();
  }
}

/** Address of memory that does not move: a buffer with an ArrayBuffer of its own, kept alive by the caller. */
export function addressOf(memory: Buffer): Address {
  return Number(koffi.address(memory));
}
