import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CertificateFacts, notReadyReasons, remarks } from './not-ready-reasons.ts';

const called = { isCalled: true, problems: [], unwritable: [], unmanagedReason: undefined, undone: [] };
const aCertManager = (given: Partial<CertificateFacts> = {}): CertificateFacts => ({
  failure: undefined,
  hasReconciled: true,
  dependsOnOthers: false,
  status: called,
  ...given,
});
const unmanaged = { ...called, isCalled: false, unmanagedReason: 'somebody else manages it' };

test('a cert-manager is ready once everything was read and nothing failed', () => {
  assert.deepEqual(notReadyReasons(aCertManager()), []);
  assert.deepEqual(notReadyReasons(aCertManager({ failure: 'forbidden', hasReconciled: false })), [
    'forbidden',
  ]);
  assert.match(
    notReadyReasons(aCertManager({ hasReconciled: false, status: undefined }))[0] ?? '',
    /not been read/,
  );
});

test('what others leave missing is a reason where it depends on them, else a remark', () => {
  const choice = aCertManager({ status: unmanaged });
  const missing = { ...choice, dependsOnOthers: true };
  assert.deepEqual([notReadyReasons(choice), remarks(choice)], [[], ['somebody else manages it']]);
  assert.deepEqual([notReadyReasons(missing), remarks(missing)], [['somebody else manages it'], []]);
});

test('a Secret that cannot be written is always a reason, an undone repair a remark', () => {
  const undone = [{ field: 'caBundle', count: 3, writer: 'other' }];
  const facts = aCertManager({ status: { ...called, unwritable: ['make the Secret'], undone } });
  assert.deepEqual(notReadyReasons(facts), ['make the Secret']);
  assert.match(remarks(facts)[0] ?? '', /caBundle .* undone 2 times by other/);
});
