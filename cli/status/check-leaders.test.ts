import assert from 'node:assert/strict';
import { test } from 'node:test';
import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { checkLeaders } from './check-leaders.ts';
import type { Pod } from './installation-facts.ts';

const nowMs = Date.UTC(2026, 10, 24, 12);
const ago = (ms: number): string => new Date(nowMs - ms).toISOString();
const absent = { value: undefined };

const config = latchkeyConfigSchema.parse({});
const podOf = (service: string, name: string): Pod => ({
  metadata: { name, uid: 'uid', labels: { 'app.kubernetes.io/name': service } },
});
const facts = {
  nowMs,
  namespace: 'latchkey',
  found: { config, source: 'file' },
  pods: { value: [podOf('discovery', 'discovery-1'), podOf('gateway', 'gateway-1')] },
};
const find = (spec: object, different: Partial<Parameters<typeof checkLeaders>[0]> = {}) =>
  checkLeaders({
    ...facts,
    leases: { 'cert-manager': absent, discovery: { value: { metadata: { name: 'any' }, spec } } },
    ...different,
  });
const held = (renewTime?: string) => find({ holderIdentity: 'discovery-1_uid', renewTime });

test('a leader is shown where there is a Lease', () => {
  const { summary, problems } = held(ago(2_000));
  assert.deepEqual([summary, problems], ['cert-manager none, discovery discovery-1', []]);
});

test('who held a Lease that has expired leads no more, in words and as data', () => {
  const { summary, problems, facts: data } = held(ago(60_000));
  assert.equal(summary, 'cert-manager none, discovery none, discovery-1 lost it 54 s ago');
  assert.equal(problems.length, 1);
  assert.deepEqual(data.discovery, { holder: null, renewedAt: ago(60_000) });
  const spec = { holderIdentity: 'discovery-1_uid', renewTime: ago(60_000), leaseDurationSeconds: 60 };
  assert.deepEqual(find(spec).problems, [], 'it is held for longer');
  assert.deepEqual(held(ago(30_000)).problems, [], 'clocks differ');
});

test('a Lease without holder or renewal is a problem', () => {
  const cases: [ReturnType<typeof find>, RegExp][] = [
    [held(ago(1_806_000)), /its Lease, last held by discovery-1, expired 30 min ago$/],
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

test('a Lease that somebody renews who is no pod of the service is a problem that names the holder and the field', () => {
  const renewTime = ago(1_000);
  for (const holderIdentity of [
    'somebody',
    'discovery-1_other',
    'gateway-1_uid',
    'discovery-2_uid',
    'discovery-1',
  ]) {
    const [problem, ...others] = find({ holderIdentity, renewTime }).problems;
    assert.deepEqual(others, []);
    assert.equal(
      problem?.message,
      `discovery may have no leader: spec.holderIdentity of its Lease is "${holderIdentity}", which is no pod of discovery; after a pod's end that may be so for seconds`,
    );
    assert.match(problem?.advice ?? '', /kubectl -n latchkey patch lease latchkey-discovery /);
  }
});

test('whose pods cannot be seen, or run elsewhere, may hold its Lease', () => {
  const spec = { holderIdentity: 'somebody', renewTime: ago(1_000) };
  assert.deepEqual(find(spec, { pods: { unseen: 'you may not' } }).problems, []);
  const elsewhere = latchkeyConfigSchema.parse({ webhook: { url: 'https://localhost:9443' } });
  const found = { config: elsewhere, source: 'file' };
  assert.deepEqual(find(spec, { pods: { value: [] }, found }).problems, []);
  assert.equal(find(spec, { pods: { value: [] } }).problems.length, 1);
});
