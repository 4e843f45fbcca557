import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeAge } from '#shared/core/text/age.ts';
import { aPod, aReview, bytesOf, mountNumber, someRules } from '#testkit/pods/a-pod.ts';
import { type Admission, admit, type Rules } from './admit.ts';

const inventory = {
  global: { files: { 'team/token': 'v' } },
  k8s: { ns: { db: ['pass'] }, other: { dc: ['pass'] } },
};
const rules = someRules({}, inventory);
const ask = (asks: object[], by: Rules = rules, request: object = {}, spec: object = {}): Admission =>
  admit(bytesOf(aReview(aPod({ asks, spec }), request)), by);
function messageOf(admission: Admission): string {
  assert.ok('response' in admission.response);
  return admission.response.response.status?.message ?? '';
}
const db = { group: 'db', key: 'pass' };

test('secrets that fail for one reason share the sentence, and every remark stands once', () => {
  const message = messageOf(ask([db, { group: 'x', key: 'y' }], rules, { namespace: 'new' }));
  assert.match(
    message,
    /^secrets "db\/pass" \(annotation ".*s0"\) and "x\/y" \(annotation ".*s1"\): secret manager/,
  );
  assert.equal(message.match(/does not know namespace/g)?.length, 1);
  assert.equal(message.match(/kubectl label namespace new latchkey\.dev\/secrets=enabled/g)?.length, 1);
});

test('missing secrets each say what was looked for; who was asked and what to do stands once', () => {
  const message = messageOf(
    ask([
      { ...db, key: 'a' },
      { ...db, key: 'b' },
    ]),
  );
  assert.match(message, /no Kubernetes Secret "db" with key "a"\..*no Kubernetes Secret "db" with key "b"\./);
  assert.equal(
    message.match(/Secret managers asked: global \(as of less than 10 s ago\) and k8s/g)?.length,
    1,
  );
  assert.equal(message.match(/Create it/g)?.length, 1);
});

test('the ages of the rules are told, by manager', () => {
  const ageMs = (manager: string): number => (manager === 'k8s' ? 45_000 : 14_000);
  const aged = { ...rules, ageMs };
  assert.match(
    messageOf(ask([{ ...db, key: 'a' }], aged)),
    /global \(as of 14 s ago\) and k8s \(as of 45 s ago\)/,
  );
  const stale = { ...rules, ageMs: () => 200_000, isStale: () => true };
  assert.match(
    messageOf(ask([{ ...db, key: 'a' }], stale)),
    /its rules are 3 min old, so that it may exist by now/,
  );
  const unheard = { ...stale, ageMs: () => Number.POSITIVE_INFINITY };
  assert.match(messageOf(ask([{ ...db, key: 'a' }], unheard)), /its rules are unconfirmed/);
});

test('a similar Kubernetes Secret comes from the namespace of the task only', () => {
  assert.match(
    messageOf(ask([{ group: 'dB.', key: 'pass', mountRequirement: 0 }])),
    /\[NAME_IMPOSSIBLE\]$|\[SECRET_NOT_FOUND\]$/,
  );
  const message = messageOf(ask([{ group: 'da', key: 'pass' }]));
  assert.match(message, /Did you mean "db\/pass"\?/);
  assert.doesNotMatch(message, /dc/);
});

test('a namespace that is selected by name is told where its name belongs', () => {
  const named = someRules({ k8s: { namespaces: { names: ['ns'] } } }, inventory);
  assert.match(messageOf(ask([db], named, { namespace: 'new' })), /add it to k8s\.namespaces\.names/);
  assert.match(
    messageOf(
      ask([db], someRules({ k8s: { namespaces: { names: ['new'] } } }, inventory), { namespace: 'new' }),
    ),
    /discovery cannot read/,
  );
});

test('a message is bounded and keeps its code and advice, however many and long the secrets are', () => {
  for (const length of [1, 60, 250]) {
    const asks = Array.from({ length: 256 }, (_, index) => ({ group: `g${index}`, key: 'k'.repeat(length) }));
    const message = messageOf(ask(asks));
    assert.ok([...message].length <= 2_000, `${message.length}`);
    assert.match(message, /more of this pod's secrets cannot be injected either/);
    assert.match(message, /Create it.*\[SECRET_NOT_FOUND\]$/);
  }
});

test('ages are told in the largest unit of which there are two', () => {
  const ages = [0, 9_999, 10_000, 119_999, 120_000, 7_199_999, 7_200_000, 200_000_000];
  assert.deepEqual(ages.map(describeAge), [
    'less than 10 s',
    'less than 10 s',
    '10 s',
    '119 s',
    '2 min',
    '119 min',
    '2 h',
    '2 d',
  ]);
});

test('warnings name an ignored version, a hidden secret and a silent manager, each in 120 characters', () => {
  const version = ask([{ group: 'arn', key: 'k', groupVersion: '2' }], someRules({ chain: ['aws'] }));
  assert.deepEqual(version.warnings, ['group_version 2 of secret arn/k is ignored by manager aws']);
  const vault = (groupVersion: string): string[] =>
    ask([{ group: 'secret/a', key: 'k', groupVersion }], someRules({ chain: ['vault'] })).warnings;
  assert.deepEqual(vault('kv1'), []);
  assert.equal(vault('7').length, 1);
  const stale = { ...rules, isStale: () => true, ageMs: () => 200_000 };
  assert.deepEqual(ask([db, { ...db, mountRequirement: mountNumber.env }], stale).warnings, [
    'manager global was not heard for 3 min: secrets are injected as last known',
    'manager k8s was not heard for 3 min: secrets are injected as last known',
  ]);
  const long = 'x'.repeat(60);
  const containers = [{ name: long, env: [{ name: `_FSEC_${'G'.repeat(60)}_K`, value: 'v' }] }];
  const hidden = ask(
    [{ group: 'g'.repeat(60), key: 'k', mountRequirement: mountNumber.env }],
    someRules({ k8s: { inventory: 'open' }, chain: ['k8s'] }),
    {},
    { containers },
  );
  assert.equal(hidden.warnings.length, 1);
  for (const warning of hidden.warnings) assert.ok([...warning].length <= 120 && warning.isWellFormed());
});
