import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCopyKeeper } from '../../services/discovery/copies/copy-keeper.ts';
import { type CopyLedger, createCopyLedger } from '../../services/discovery/copies/copy-ledger.ts';
import { runCopySchedule } from './model/copy-schedule.ts';

test('over 10,000 schedules with a rival every copy ends as it is to be, and no other is ever called ready', async (t) => {
  let [repairs, calls] = [0, 0];
  for (let seed = 1; seed <= 10_000; seed += 1) {
    const result = await runCopySchedule(seed, createCopyKeeper);
    assert.equal(result.violation, undefined, `seed ${seed}`);
    assert.ok(result.callsAfterQuiet <= 20, `seed ${seed}: ${result.callsAfterQuiet} calls`);
    repairs += result.repairs;
    calls += result.callsAfterQuiet;
  }
  assert.ok(repairs > 10_000, `${repairs} repairs`);
  t.diagnostic(`${repairs} times not ready, ${calls} calls after the rival went quiet`);
});

const mutants: Record<string, (ledger: CopyLedger) => Partial<CopyLedger>> = {
  'an answer that hides what came after it': (ledger) => ({
    stored: (copy, keys) => {
      for (const { name, uid } of ledger.of(copy.namespace)) {
        if (name === copy.name) ledger.removed(copy.namespace, name, uid);
      }
      ledger.stored(copy, keys);
    },
  }),
  'a type that nobody looks at': (ledger) => ({
    seen: (copy) => ledger.seen({ ...copy, isOpaque: true }),
  }),
  'a list that tells only what is there': (ledger) => ({
    listed: (_namespace, copies) => {
      for (const copy of copies) ledger.seen(copy);
    },
  }),
  "any copy taken for this installation's": (ledger) => ({
    seen: (copy) => ledger.seen({ ...copy, installation: 'latchkey' }),
  }),
};

for (const [name, mutate] of Object.entries(mutants)) {
  test(`the schedules see ${name}`, async () => {
    for (let seed = 1; seed <= 3_000; seed += 1) {
      const { violation } = await runCopySchedule(seed, (options) => {
        const ledger = createCopyLedger();
        return createCopyKeeper({ ...options, ledger: { ...ledger, ...mutate(ledger) } });
      });
      if (violation !== undefined) return;
    }
    assert.fail('3,000 schedules did not show it');
  });
}
