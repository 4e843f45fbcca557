import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CopyPlan, CopyStep } from './copy-plan.ts';
import { type CopyTurn, planTurn, straysPerTurn, type TurnLimits } from './copy-turn.ts';

const deletion = (name: string): CopyStep => ({ kind: 'delete', name, uid: 'u', resourceVersion: '1' });
const [step] = [deletion('latchkey-global-0')];
const strays = Array.from({ length: 40 }, (_, index) => deletion(`latchkey-global-a${index}`));
const none: CopyTurn = {
  isSpoilt: false,
  steps: undefined,
  isRepair: false,
  deletesStrays: false,
  againInMs: undefined,
};

const cases: [
  name: string,
  plan: Partial<CopyPlan>,
  limits: Partial<TurnLimits>,
  expected: Partial<CopyTurn>,
][] = [
  ['nothing to do is done at once', {}, {}, { steps: [] }],
  ['a step is carried out', { steps: [step] }, {}, { steps: [step] }],
  ['after a failure nothing is tried', { steps: [step], strays }, { isResting: true }, {}],
  ['a repair waits', { steps: [step], forged: ['a'] }, { repairWaitMs: 5 }, { isSpoilt: true, againInMs: 5 }],
  [
    'a lost copy is a repair',
    { steps: [step], lost: ['a'] },
    {},
    { isSpoilt: true, isRepair: true, steps: [step] },
  ],
  ["another installation's copy spoils it, no repair", { foreign: ['a'] }, {}, { isSpoilt: true, steps: [] }],
  ['some strays are deleted', { strays }, {}, { steps: strays.slice(0, straysPerTurn), deletesStrays: true }],
  [
    'strays wait, a step does not',
    { steps: [step], strays },
    { strayWaitMs: 7 },
    { steps: [step], againInMs: 7 },
  ],
];

for (const [name, plan, limits, expected] of cases) {
  test(`in a turn ${name}`, () => {
    const empty: CopyPlan = { steps: [], strays: [], forged: [], lost: [], foreign: [] };
    const free: TurnLimits = { isResting: false, repairWaitMs: 0, strayWaitMs: 0 };
    assert.deepEqual(planTurn({ ...empty, ...plan }, { ...free, ...limits }), { ...none, ...expected });
  });
}
