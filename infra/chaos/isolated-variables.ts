/** The environment of a Laurel that shares nothing with the developer's own. */
import { join } from 'node:path';

/** Without a server of the developer's, with a state folder, a store and ports of its own, and plain output. */
export function isolatedVariables(state: string, store: string): NodeJS.ProcessEnv {
  const own = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('TEMPORAL_')));
  return { ...own, TEMPORAL_CONFIG_FILE: join(state, 'none.toml'), LAUREL_STATE: state, LAUREL_STORE: store, LAUREL_SERVER_PORTS: 'any', NO_COLOR: '1' };
}
