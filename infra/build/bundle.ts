/** Makes the workflow bundle ahead of the first start: `node dist/infra/build/bundle.js`. */
import { workflowBundle } from '../../workers/temporal-bundle.js';

await workflowBundle();
