import { admitTarget } from './admit-target.ts';
import type { FuzzTarget } from './fuzz-target.ts';
import { heartbeatTarget } from './heartbeat-target.ts';
import { memoTarget } from './memo-target.ts';
import { recipeTarget } from './recipe-target.ts';
import { recordsTarget } from './records-target.ts';
import { wireTarget } from './wire-target.ts';

/** Every part of latchkey that reads what others wrote. */
export const fuzzTargets: readonly FuzzTarget[] = [
  admitTarget(),
  memoTarget,
  recordsTarget,
  recipeTarget,
  heartbeatTarget,
  wireTarget,
];
