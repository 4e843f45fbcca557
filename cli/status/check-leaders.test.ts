import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkLeaders } from './check-leaders.ts';

const nowMs = Date.UTC(2026, 10, 24, 12);
const ago = (ms: number): string => new Date(nowMs - ms).toISOString();
const absent = { value: undefined };

const find = (spec: object) =>
  checkLeaders({
    nowMs,
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
