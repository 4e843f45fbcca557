import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import { type Admission, admit } from '#shared/core/admission/admit.ts';
import { createWorkBudget, mostSteps } from '#shared/core/bounds/work-budget.ts';
import type { Decide } from './admission-oracle.ts';
import { admitTarget } from './admit-target.ts';
import { describeViolation, runFuzzCommand } from './fuzz-command.ts';
import { fuzzTargets } from './fuzz-targets.ts';
import { type FuzzReport, runFuzz } from './run-fuzz.ts';

function assertHeld({ violations }: FuzzReport): void {
  assert.equal(violations.length, 0, violations.map(describeViolation).join('\n'));
}

test('50,000 cases of what others may send end in answers, within the step budget', async () => {
  const report = await runFuzz({ targets: fuzzTargets, cases: 50_000, seed: 1 });
  assertHeld(report);
  assert.equal(
    report.targets.reduce((sum, { cases }) => sum + cases, 0),
    50_000,
  );
  const timesSeen = (outcome: string): number =>
    report.targets.reduce((sum, { outcomes }) => sum + (outcomes[outcome] ?? 0), 0);
  const wanted = [
    'injected',
    'denied',
    'malformed',
    'applied',
    'not applied',
    'recipe taken',
    'taken',
    'tls 200',
  ];
  assert.deepEqual(
    wanted.filter((outcome) => timesSeen(outcome) <= 100),
    [],
    'outcomes that came up 100 times at most',
  );
});

test('so do 3,000 cases that nobody has tried before', async (t) => {
  const seed = randomInt(2 ** 31);
  t.diagnostic(`seed ${seed}`);
  assertHeld(await runFuzz({ targets: fuzzTargets, cases: 3_000, seed }));
});

const ofInjected = (change: (admission: Admission) => Admission): Decide => {
  return (...asked) => {
    const admission = admit(...asked);
    return admission.outcome === 'injected' ? change(admission) : admission;
  };
};

test('a decision that is broken is found within 200 cases, and again by the number of its case', async () => {
  const broken: Record<string, Decide> = {
    'throws for a pod': ofInjected(() => {
      throw new TypeError('x is not a function');
    }),
    'a patch that does not apply': ofInjected((admission) => ({
      ...admission,
      patch: [...admission.patch, { op: 'add', path: '/nowhere/else', value: 1 }],
    })),
    'a patch that repeats': ofInjected((admission) => ({
      ...admission,
      patch: [{ op: 'add', path: '/metadata/name', value: 'other' }],
    })),
    'over the budget': (body, rules, { budget = createWorkBudget() } = {}) => {
      budget.spent = () => mostSteps + 1;
      return admit(body, rules, { budget });
    },
    'another outcome': ofInjected((admission) => ({ ...admission, outcome: 'denied' })),
  };
  for (const [name, decide] of Object.entries(broken)) {
    const targets = [admitTarget(decide)];
    const [found] = (await runFuzz({ targets, cases: 200, seed: 1 })).violations;
    assert.ok(found?.case !== undefined, name);
    assert.notEqual(found.excerpt, '', name);
    const { violations } = await runFuzz({ targets, cases: 200, seed: 1, only: found.case });
    assert.equal(violations.length, 1, name);
  }
});

test('the command tells the same of the same seed, and refuses what it does not know', async () => {
  const run = async (...args: string[]): Promise<{ code: number; shown: string; told: string }> => {
    let [shown, told] = ['', ''];
    const code = await runFuzzCommand(args, {
      write: (text) => {
        shown += text;
      },
      complain: (text) => {
        told += text;
      },
    });
    return { code, shown, told };
  };
  const outcomesOf = ({ shown }: { shown: string }): unknown =>
    JSON.parse(shown).targets.map(({ outcomes }: FuzzReport['targets'][number]) => outcomes);
  const args = ['--json', '--cases', '300', '--seed', '7', '--target', 'admit,records'];
  const [first, second] = [await run(...args), await run(...args)];
  assert.equal(first.code, 0);
  assert.deepEqual(outcomesOf(first), outcomesOf(second));
  assert.match((await run('--help')).shown, /Exit codes: 0 all held, 1 a violation, 2 usage/);
  for (const wrong of [
    ['--target', 'nothing'],
    ['--cases', '-1'],
    ['--seed', 'x'],
    ['--only', '3'],
    ['--what'],
  ]) {
    const { code, told } = await run(...wrong);
    assert.equal(code, 2, wrong.join(' '));
    assert.match(told, /--help/);
  }
});
