/**
 * What an asset is: files that a job needs and that the project does not carry (a game's library, a model, a server).
 * A definition is data plus one function that makes the files in a folder it is given; fetching once, locking, checking
 * and putting in place are the same for all of them (`ensure.ts`).
 */

export interface AssetFile {
  /** Name by which callers ask for it, e.g. `library`. */
  readonly name: string;
  /** Path below the cache folder, e.g. `nethack/1.3.0-x64/libnethack.so`. The last part is also the name below LAUREL_ASSET_DIR. */
  readonly path: string;
  /** Expected digest, lower-case hex; absent where the file is built on this machine (then the digest of the build is recorded). */
  readonly sha256?: string;
  /** Expected size; absent where it is built on this machine. */
  readonly bytes?: number;
  /** Environment variable with the path of a file of the user's own that takes the place of ours. */
  readonly variable: string;
  readonly executable?: boolean;
}

export type AssetPhase = 'waiting' | 'download' | 'build' | 'unpack' | 'verify' | 'ready';

export interface AssetProgress {
  /** Id of the asset. */
  readonly asset: string;
  readonly phase: AssetPhase;
  readonly doneBytes?: number;
  readonly totalBytes?: number;
  /** One short line for a person. */
  readonly note: string;
}

export type OnProgress = (progress: AssetProgress) => void;

export interface AssetMaking {
  /** Empty folder, this call's own; each file of the asset must lie in it under `basename(file.path)` afterwards. */
  readonly folder: string;
  readonly progress: (progress: Omit<AssetProgress, 'asset'>) => void;
  readonly signal: AbortSignal;
}

export interface AssetDefinition {
  /** Lower case, digits and dashes: `nethack`, `gemma3-270m`. */
  readonly id: string;
  /** For a person: `NetHack 3.6.6 library and data`. */
  readonly title: string;
  /** Bytes that a fetch moves over the network, about; for progress bars and for `laurel doctor`. */
  readonly downloadBytes: number;
  readonly files: readonly AssetFile[];
  /** What to do where it cannot be fetched: ends the message of every LAUREL_ASSET_MISSING about it. */
  readonly remedy: string;
  /** Why this machine cannot have it at all (platform); undefined: it can. */
  readonly unsupported?: string;
  make(making: AssetMaking): Promise<void>;
}

/** Absolute paths by the names of the definition's files. */
export type AssetPaths = Readonly<Record<string, string>>;

export interface AssetStatus {
  readonly id: string;
  readonly title: string;
  readonly state: 'present' | 'missing' | 'corrupt' | 'unsupported';
  /** `cache`: fetched by us; `own`: named by an environment variable or lying in LAUREL_ASSET_DIR. */
  readonly origin: 'cache' | 'own';
  /** Where each file is, or would be. */
  readonly paths: AssetPaths;
  /** What was found, for a person. */
  readonly found: string;
  /** What to do; empty where nothing is to be done. */
  readonly action: string;
}
