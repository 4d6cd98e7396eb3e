/** What sources and shaping read: the units of one granularity (units.ts). */
export type { UnitLevel as RewardInput } from './units.js';
