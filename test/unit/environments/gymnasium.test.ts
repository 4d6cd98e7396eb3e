import { expect, it } from 'vitest';
import { environmentSchemas } from '../../../proto/environments.js';
import { environmentSpaces } from '../../../workers/rollout/environments/registry.js';

it.each([
  ['CartPole-v2', 'CartPole'],
  ['CartPoll-v1', 'CartPole'],
  ['nowhere/CartPole-v1', 'nowhere'],
])('an id that Gymnasium does not know is named as such: %s', async (id, said) => {
  await expect(environmentSpaces(environmentSchemas.parse({ kind: 'gymnasium', id }))).rejects.toMatchObject({
    code: 'LAUREL_ENVIRONMENT_UNKNOWN',
    message: expect.stringMatching(new RegExp(`got "${id}".*${said}.*correct environment.id`, 's')) as string,
  });
}, 300_000);

it('arguments that the environment does not take are its failure, not an unknown id', async () => {
  await expect(environmentSpaces(environmentSchemas.parse({ kind: 'gymnasium', id: 'CartPole-v1', kwargs: { nonsense: 1 } }))).rejects.toMatchObject({
    code: 'LAUREL_ENVIRONMENT_FAILED',
    message: expect.stringContaining('nonsense') as string,
  });
}, 300_000);
