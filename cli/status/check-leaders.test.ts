import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkLeaders } from './check-leaders.ts';

const nowMs = Date.UTC(2026, 10, 24, 12);
const ago = (ms: number): string => new Date(nowMs - ms).toISOString();
const absent = { value: undefined };

const find = (spec: object) =>
  checkLeaders({
    nowMs,
    namespace: 'latchkey',
    leases: { 'cert-manager': absent, discovery: { value: { metadata: { name: 'any' }, spec } } },
  });
const held = (renewTime?: string) => find({ holderIdentity: 'discovery-1_uid', renewTime });

test('a leader is shown where there is a Lease', () => {
  const { summary, problems } = held(ago(2_000));
  assert.deepEqual([summary, problems], ['cert-manager none, discovery discovery-1', []]);
});

test('a Lease without holder or renewal is a problem', () => {
  const cases: [ReturnType<typeof find>, RegExp][] = [
    [held(ago(1_800_000)), /its Lease is not renewed$/],
    [held(), /its Lease does not say when it was renewed$/],
    [held('soon'), /its Lease does not say when it was renewed$/],
    [find({}), /its Lease has no holder$/],
    [find({ holderIdentity: '', renewTime: ago(2_000) }), /its Lease has no holder$/],
  ];
  for (const [{ problems }, pattern] of cases) {
    assert.equal(problems.length, 1);
    assert.match(problems[0]?.message ?? '', /^discovery has no leader: /);
    assert.match(problems[0]?.message ?? '', pattern);
  }
});

test('a Lease renewed in the future or of absurd duration is a problem, and is told how to release', () => {
  const holderIdentity = 'somebody';
  const cases: [ReturnType<typeof find>, RegExp][] = [
    [held(ago(-61_000)), /its Lease was renewed in the future \(in 61 s\)$/],
    [find({ holderIdentity, renewTime: '2099-01-01T00:00:00Z', leaseDurationSeconds: 6 }), /in the future/],
    [
      find({ holderIdentity, renewTime: ago(0), leaseDurationSeconds: 2 ** 31 - 1 }),
      /for 2147483647 s at a time$/,
    ],
  ];
  for (const [{ problems }, pattern] of cases) {
    assert.equal(problems.length, 1);
    assert.match(problems[0]?.message ?? '', pattern);
    assert.match(problems[0]?.advice ?? '', /kubectl -n latchkey patch lease latchkey-discovery /);
  }
  assert.deepEqual(held(ago(-59_000)).problems, [], 'clocks differ');
});
