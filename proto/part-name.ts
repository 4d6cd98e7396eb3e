/** Names that a job gives to its parts. */
import { z } from 'zod';

export const partName = z.string().regex(/^[a-z][a-z0-9-]{0,39}$/);
