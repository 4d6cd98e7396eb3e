/** The systems that Laurel shows, by row: one file and one line each. */
import { mrmbench } from './rows/1-mrmbench.js';
import { modpo } from './rows/2-modpo.js';
import { rlStruct } from './rows/5-rl-struct.js';
import { eduAlign } from './rows/6-edu-align.js';
import { visionR1 } from './rows/7-vision-r1.js';
import { crpo } from './rows/9-crpo.js';
import { controlledIdeas } from './rows/10-controlled-ideas.js';
import { armorm } from './rows/12-armorm.js';
import { xiangqiR1 } from './rows/15-xiangqi-r1.js';
import { stvg } from './rows/16-stvg-o1.js';
import { sharpe } from './rows/18-sharpe.js';
import { oni } from './rows/20-oni.js';
import { drm } from './rows/22-drm.js';
import { basereward } from './rows/23-basereward.js';
import { pal } from './rows/24-pal.js';
import { irl } from './rows/25-irl.js';
import { topology } from './rows/26-topology.js';
import { harmo } from './rows/27-harmo.js';
import { constraints } from './rows/28-constraints.js';
import { vpl } from './rows/29-vpl.js';
import { rewardAnything } from './rows/30-reward-anything.js';
import { expressivity } from './rows/35-expressivity.js';
import { multiTurn } from './rows/36-multi-turn.js';
import { skywork } from './rows/37-skywork.js';
import { secrets } from './rows/38-secrets.js';
import { constrained } from './rows/39-constrained.js';
import { polar } from './rows/41-polar.js';
import { r1Reward } from './rows/42-r1-reward.js';
import { vlmRm } from './rows/43-vlm-rm.js';
import { sirl } from './rows/45-sirl.js';
import { micro } from './rows/46-micro.js';
import { mmrb2 } from './rows/47-mmrb2.js';
import { toolRl } from './rows/48-toolrl.js';
import { mahDpo } from './rows/49-mah-dpo.js';
import { rewardbench2 } from './rows/50-rewardbench2.js';
import { lucySkg } from './rows/51-lucy-skg.js';
import { mmRlhf } from './rows/52-mm-rlhf.js';
import { openRubrics } from './rows/53-open-rubrics.js';
import { helpsteer } from './rows/56-helpsteer.js';
import type { SystemRow } from './system-row.js';

export const SYSTEMS: readonly SystemRow[] = [
  mrmbench,
  modpo,
  rlStruct,
  eduAlign,
  visionR1,
  crpo,
  controlledIdeas,
  armorm,
  xiangqiR1,
  stvg,
  sharpe,
  oni,
  drm,
  basereward,
  pal,
  irl,
  topology,
  harmo,
  constraints,
  vpl,
  rewardAnything,
  expressivity,
  multiTurn,
  skywork,
  secrets,
  constrained,
  polar,
  r1Reward,
  vlmRm,
  sirl,
  micro,
  mmrb2,
  toolRl,
  mahDpo,
  rewardbench2,
  lucySkg,
  mmRlhf,
  openRubrics,
  helpsteer,
];

export function jobPathOf({ row, name }: Pick<SystemRow, 'row' | 'name'>): string {
  return `examples/systems/${row}-${name}.json`;
}
