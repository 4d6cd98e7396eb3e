/** Sessions shared by the groups of one network and batch size, and parameters shared by the groups of one version. */
import type { NetworkPolicySpec } from '../../../proto/learning.js';
import type { PolicyTensor } from '../../learner/policy-artifact.js';
import { canonicalJson } from '../../store/artifacts.js';
import type { Spaces } from '../environments/environment.js';
import type { InferenceModel } from './inference-model.js';
import type { LoadedPolicy, PolicyBytes, PolicyProvider, SharedPolicy } from './group-policy.js';
import { PolicyInference, PolicySession } from './inference.js';
import { keepNewest } from '../../keep-newest.js';

/** Parameters kept for each session: those in use, and those that a shard behind or ahead may still ask for. */
const POLICIES_MAX = 3;

export interface PolicyMachinery {
  /** The inference graph of a policy for one batch size. */
  readonly buildModel: (spaces: Spaces, policy: NetworkPolicySpec, size: number) => InferenceModel;
  /** Parameters of a policy artefact. @throws LaurelError LAUREL_SCHEMA_MISMATCH, LAUREL_STORE_CORRUPT */
  readonly readParameters: (bytes: Uint8Array) => readonly PolicyTensor[];
}

interface Entry {
  readonly session: Promise<PolicySession>;
  readonly policies: Map<string, LoadedPolicy>;
  users: number;
}

export class PolicySessions implements PolicyProvider {
  private readonly entries = new Map<string, Entry>();

  constructor(private readonly machinery: PolicyMachinery) {}

  async acquire(spaces: Spaces, policy: NetworkPolicySpec, size: number): Promise<SharedPolicy> {
    const key = canonicalJson([spaces, policy, size]);
    let entry = this.entries.get(key);
    if (!entry) {
      entry = { session: PolicySession.create(this.machinery.buildModel(spaces, policy, size), size), policies: new Map(), users: 0 };
      this.entries.set(key, entry);
    }
    entry.users++;
    return this.share(key, entry);
  }

  private async share(key: string, entry: Entry): Promise<SharedPolicy> {
    const release = async (): Promise<void> => {
      entry.users--;
      if (entry.users > 0) return;
      this.entries.delete(key);
      await (await entry.session).release();
    };
    try {
      const session = await entry.session;
      return { bind: (group) => new PolicyInference(session, group), load: (policy) => this.load(session, entry.policies, policy), release };
    } catch (error) {
      this.entries.delete(key);
      throw error;
    }
  }

  private load(session: PolicySession, policies: Map<string, LoadedPolicy>, policy: PolicyBytes): LoadedPolicy {
    const known = policies.get(policy.digest);
    const loaded = known ?? session.load(policy.version, this.machinery.readParameters(policy.bytes));
    keepNewest(policies, policy.digest, loaded, POLICIES_MAX);
    return loaded;
  }
}
