/** The host that plays a job's environments with the network that its learner trains. */
import { decodePolicy } from '../learner/policy-artifact.js';
import { createEnvironmentGroup } from './environments/registry.js';
import { networkModel } from './policy/network-model.js';
import { PolicySessions } from './policy/policy-sessions.js';
import { ShardHost } from './shard-host.js';

export function createShardHost(): ShardHost {
  return new ShardHost({ policies: new PolicySessions({ buildModel: networkModel, readParameters: decodePolicy }), createEnvironments: createEnvironmentGroup });
}
