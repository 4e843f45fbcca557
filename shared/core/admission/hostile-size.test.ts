import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createWorkBudget } from '#shared/core/bounds/work-budget.ts';
import { applyPatch } from '#shared/core/patch/apply-patch.ts';
import { member } from '#shared/core/text/json-object.ts';
import { anAnnotation, aPod, aReview, bytesOf, mountNumber, someRules } from '#testkit/pods/a-pod.ts';
import { countCalls } from '#testkit/pods/call-count.ts';
import { assertRefused, assertRepeats, type Judged, judgePod } from '#testkit/pods/judge-pod.ts';
import { heavyPropertyRuns } from '#testkit/properties/property-runs.ts';
import { admit, admitReview, type Rules } from './admit.ts';

/** Pods that their author made to be long, of which the API server asks before it looks at them itself. */
const groups = Array.from({ length: 256 }, (_, index) => `g${index}`);
const inventory = {
  k8s: { ns: { db: ['pass'], ...Object.fromEntries(groups.map((group) => [group, ['k']])) } },
};
const rules = someRules({ chain: ['k8s'] }, inventory);
const openRules = someRules({ chain: ['k8s'], k8s: { inventory: 'open' } });
const pullRules = someRules({ chain: ['k8s', 'aws'] }, { k8s: { ns: {} } });
const db = { group: 'db', key: 'pass' };
const long = (characters: number): string => 'n'.repeat(characters);
const repeat = <T>(count: number, item: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => item(index));

const judge = (pod: object, by: Rules = rules, request: object = {}): Judged => judgePod(pod, by, request);

test('input 56: a container name of 2.9 MB under 256 requests is refused at once, in a short answer', () => {
  const asks = repeat(256, (index) => ({ ...db, mountRequirement: mountNumber.env, envVar: `E${index}` }));
  const env = asks.map(({ envVar }) => ({ name: envVar, value: 'x' }));
  assertRefused(
    judge(aPod({ asks, spec: { containers: [{ name: long(2_900_000), env }] } })),
    'POD_MALFORMED',
  );
});

test('input 56: labels, service accounts and namespaces that Kubernetes would refuse are refused before they are read out', () => {
  const label = { labels: { 'inject-flyte-secrets': 'true', project: long(64) } };
  assertRefused(judge(aPod({ asks: [db], metadata: label })), 'POD_MALFORMED');
  assertRefused(judge(aPod({ asks: [db], spec: { serviceAccountName: long(254) } })), 'POD_MALFORMED');
  assertRefused(judge(aPod({ asks: [db], metadata: { namespace: long(64) } })), 'POD_MALFORMED');
  assertRefused(judge(aPod({ asks: [db] }), rules, { namespace: long(7_000_000) }), 'REQUEST_MALFORMED');
  assertRefused(judge(aPod({ asks: [db] }), rules, { namespace: 7 }), 'REQUEST_MALFORMED');
});

test('input 56: names as long as Kubernetes takes them are served', () => {
  const labels = { 'inject-flyte-secrets': 'true', project: long(63), [`${long(253)}/${long(63)}`]: '' };
  const { admission } = judge(
    aPod({
      asks: [db],
      metadata: { labels },
      spec: { containers: [{ name: long(253) }], serviceAccountName: long(253) },
    }),
    rules,
  );
  assert.equal(admission.outcome, 'injected');
});

test('input 56: a mount path longer than Linux takes is refused where a secret is mounted, and only there', () => {
  const podAt = (mountPath: string, ask: object): object =>
    aPod({
      asks: [{ ...db, ...ask }],
      spec: { containers: [{ name: 'main', volumeMounts: [{ name: 'own', mountPath }] }] },
    });
  const [file, env] = [{ mountRequirement: mountNumber.file }, { mountRequirement: mountNumber.env }];
  for (const piece of ['/a/', '/a/.', '/', 'a']) {
    const refused = judge(podAt(piece.repeat(2_900_000 / piece.length), file));
    assertRefused(refused, 'POD_MALFORMED');
    assert.match(
      JSON.stringify(refused.admission.response),
      /container \\"main\\" mounts volume \\"own\\" at a path of 2[0-9]{6} characters, and Linux takes at most 4096: shorten/,
    );
    assert.ok(refused.steps < 1_000, `${refused.steps} steps`);
  }
  const longest = `/${long(4_095)}`;
  assert.equal(judge(podAt(longest, file)).admission.outcome, 'injected');
  assertRefused(judge(podAt(`${longest}n`, file)), 'POD_MALFORMED');
  assert.equal(judge(podAt(`${longest}n`, env)).admission.outcome, 'injected');
});

test('input 57: lists longer than any that can be stored are refused at once', () => {
  const entry = { name: 'a', mountPath: 'b' };
  for (const spec of [
    { containers: repeat(10_001, () => entry) },
    { containers: [{ name: 'c', volumeMounts: repeat(10_001, () => entry) }] },
    { containers: [{ name: 'c', env: repeat(10_001, () => entry) }] },
    { initContainers: repeat(10_001, () => ({ name: 'aws-pull-secret-1' })) },
    { volumes: repeat(10_001, () => entry) },
  ]) {
    assertRefused(judge(aPod({ asks: [db], spec })), 'POD_TOO_LARGE');
  }
  const annotations = Object.fromEntries(repeat(10_001, (index) => [`flyte.secrets/sx${index}`, '']));
  assertRefused(judge(aPod({ asks: [db], annotations })), 'POD_TOO_LARGE');
});

test('input 62: a body of very many different strings is refused before it is parsed', (t) => {
  const texts = repeat(100_001, String);
  const body = bytesOf(aReview({ texts }));
  const parse = t.mock.method(JSON, 'parse');
  const { httpStatus, outcome, code } = admit(body, rules);
  assert.deepEqual([httpStatus, outcome, code], [400, 'malformed', 'POD_TOO_LARGE']);
  assert.equal(parse.mock.callCount(), 0);
});

test('input 58: 9,000 annotations that only look like requests are counted, not worded', () => {
  const annotations = Object.fromEntries(repeat(9_000, (index) => [`flyte.secrets/sx${index}`, '']));
  const { warnings } = judge(aPod({ asks: [db], annotations })).admission;
  assert.equal(warnings.length, 31);
  assert.equal(warnings.at(-1), 'latchkey: 8970 more warnings');
});

test('input 57: requests longer than Kubernetes lets annotations be are refused before they are decoded', () => {
  const annotations = Object.fromEntries(
    repeat(10, (index) => [`flyte.secrets/s${index}`, anAnnotation({ group: long(60_000), key: 'k' })]),
  );
  assertRefused(judge(aPod({ annotations })), 'POD_TOO_LARGE');
});

test('input 57: a patch larger than any pod that can be stored is refused before it is made', () => {
  const name = 'g'.repeat(253);
  const asks = [
    { group: name, key: name, groupVersion: name, envVar: name, mountRequirement: mountNumber.env },
  ];
  const containers = repeat(9_999, (index) => ({ name: `c${index}` }));
  assertRefused(judge(aPod({ asks, spec: { containers } }), openRules), 'TOO_MANY_SECRETS');
});

test('input 57: a value of 1 MiB is not written inline into a hundred containers', () => {
  const inline = someRules(
    { chain: ['global'], global: { delivery: 'inline' } },
    { global: { env: { FLYTE_SECRET_DB_PASS: 'v'.repeat(1_024 * 1_024) } } },
  );
  const asks = [{ ...db, mountRequirement: mountNumber.env }];
  const containers = repeat(100, (index) => ({ name: `c${index}` }));
  assertRefused(judge(aPod({ asks, spec: { containers } }), inline), 'TOO_MANY_SECRETS');
  assert.equal(judge(aPod({ asks }), inline).admission.outcome, 'injected');
});

test('input 58: init containers that are none of ours are not held against every request', () => {
  const asks = repeat(256, (index) => ({ group: 'arn:aws:x', key: `k${index}` }));
  const initContainers = repeat(3_000, (index) => ({ name: `other-pull-secret-${index}` }));
  const { admission, steps } = judge(aPod({ asks, spec: { initContainers } }), pullRules);
  assert.equal(admission.outcome, 'injected');
  assert.ok(steps < 400_000, `${steps} steps`);
});

test('input 58: paths of a thousand folders end in an answer before they stall others', () => {
  const asks = repeat(70, (index) => ({
    group: `${'a/'.repeat(1_000)}${index}`,
    key: 'k/'.repeat(1_000) + index,
  }));
  const { admission, steps } = judge(aPod({ asks }), pullRules);
  assert.ok(JSON.stringify(admission.response).length < 3_000_000);
  // Each folder is put into a tree, and looked for in it.
  if (admission.outcome === 'injected') assert.ok(steps > 6 * asks.length * 2_000, `${steps} steps`);
  else assert.equal(admission.code, 'POD_TOO_LARGE');
});

test('input 56: a field about which a manager says nothing is bounded, too', () => {
  const asks = [{ group: 'arn:aws:x', key: 'k', groupVersion: 'v'.repeat(300_000) }];
  assertRefused(judge(aPod({ asks }), pullRules), 'NAME_IMPOSSIBLE');
});

test('input 58: thousands of hidden variables that are worded alike are counted, not worded', () => {
  const asks = repeat(256, (index) => ({
    group: 'a'.repeat(200),
    key: `k${index}`,
    mountRequirement: mountNumber.env,
  }));
  const env = asks.map(({ group, key }) => ({ name: `_FSEC_${group.toUpperCase()}_${key.toUpperCase()}` }));
  const containers = repeat(30, () => ({ name: 'main', env }));
  const { warnings, outcome } = judge(aPod({ asks, spec: { containers } }), openRules).admission;
  assert.equal(outcome, 'injected');
  assert.match(warnings.at(-1) ?? '', /^latchkey: [0-9]{4} more warnings$/);
});

test('pull containers that a pod has in part are found again beside those that were added', () => {
  const asks = repeat(60, (index) => ({ group: 'arn:aws:x', key: `k${index}` }));
  const pod = aPod({ asks: asks.slice(30) });
  applyPatch(pod, judge(pod, pullRules).admission.patch);
  const more = aPod({ asks, spec: member(pod, 'spec') as object });
  const first = judge(more, pullRules);
  assert.equal(first.admission.outcome, 'injected');
  assertRepeats(more, pullRules, first);
});

test('a secret that a later manager has costs no look at the names of those before it', () => {
  const env = Object.fromEntries(repeat(1_000, (index) => [`FLYTE_SECRET_TEAM${index}_TOKEN`, 'v']));
  const known = someRules({ chain: ['global', 'k8s'] }, { ...inventory, global: { env } });
  let looks = 0;
  const index = {
    ...known.index,
    lookupKeys: (...of: Parameters<Rules['index']['lookupKeys']>) => {
      looks++;
      return known.index.lookupKeys(...of);
    },
  };
  assert.equal(judge(aPod({ asks: [db] }), { ...known, index }).admission.outcome, 'injected');
  assert.equal(looks, 0);
  const { admission } = judge(aPod({ asks: [{ group: 'team7', key: 'tokem' }] }), { ...known, index });
  assert.match(JSON.stringify(admission.response), /Did you mean/);
  assert.ok(looks > 0);
});

test('input 59: a pod of which anything has a wrong type is told so, whatever is wrong', () => {
  const odd: unknown[] = [{ toString: 1 }, 7, true, [], ['x'], {}];
  for (const wrong of odd) {
    const pods = [
      aPod({ asks: [db], spec: { containers: [{ name: wrong }] } }),
      aPod({ asks: [db], spec: { containers: [{ name: 'c', env: [{ name: wrong }] }] } }),
      aPod({ asks: [db], spec: { containers: [{ name: 'c', volumeMounts: [{ name: wrong }] }] } }),
      aPod({ asks: [db], spec: { containers: [{ name: 'c', volumeMounts: [{ mountPath: wrong }] }] } }),
      aPod({ asks: [db], spec: { initContainers: [{ name: wrong }] } }),
      aPod({ asks: [db], spec: { volumes: [{ name: wrong }] } }),
      aPod({ asks: [db], spec: { serviceAccountName: wrong } }),
      aPod({ asks: [db], metadata: { namespace: wrong } }),
      aPod({ asks: [db], metadata: { labels: { 'inject-flyte-secrets': 'true', domain: wrong } } }),
    ];
    for (const pod of pods) assertRefused(judge(pod), 'POD_MALFORMED');
  }
  for (const list of ['containers', 'initContainers', 'volumes']) {
    for (const wrong of [{}, 'x', 7, [null], [[]], ['x']]) {
      assertRefused(judge(aPod({ asks: [db], spec: { [list]: wrong } })), 'POD_MALFORMED');
    }
  }
});

test('input 59: a pod without spec that asks for a secret is refused: no patch could be applied to it', () => {
  const { spec: _, ...bare } = aPod({ asks: [db] }) as { spec: object };
  assertRefused(judge(bare), 'POD_MALFORMED');
  assertRefused(judge({ ...bare, spec: null } as object), 'POD_MALFORMED');
});

test('input 60: a name that would turn a line around stands in no denial and no warning', () => {
  const turned = '\u202Edrowssap\u2066';
  const denied = judge(
    aPod({ asks: [{ group: turned, key: turned }], annotations: { [`flyte.secrets/s${turned}`]: '' } }),
  );
  assert.equal(denied.admission.outcome, 'denied');
  assert.doesNotMatch(JSON.stringify(denied.admission.response), /[\u202E\u2066]/);
});

/** A field of a hostile pod: which text or wrong type it has, and for a list how many entries. */
interface Field {
  value: string | number;
  count: number;
}

const wrongTypes: unknown[] = [null, 7, true, [], {}, { toString: 1 }, [null]];
const field = fc.record({
  value: fc.oneof(
    {
      weight: 30,
      arbitrary: fc.constantFrom(
        '',
        'a',
        'db',
        '/etc/flyte/secrets/db',
        '/x/../etc/flyte/secrets/db/pass',
        'aws-pull-secret-1',
      ),
    },
    { weight: 3, arbitrary: fc.constantFrom('n'.repeat(254), '../'.repeat(500)) },
    { weight: 1, arbitrary: fc.nat(wrongTypes.length - 1) },
  ),
  count: fc.oneof({ weight: 5, arbitrary: fc.nat(3) }, { weight: 1, arbitrary: fc.nat(400) }),
});
const fieldNames = ['name', 'mountPath', 'list', 'entry', 'volume', 'account', 'namespace', 'kind'] as const;
const description = fc.record({
  fields: fc.record(Object.fromEntries(fieldNames.map((name) => [name, field]))),
  asks: fc.oneof(fc.nat(3), fc.nat(256)),
  envVar: fc.boolean(),
  mountRequirement: fc.nat(3),
  odd: fc.nat(300),
});

const textOf = ({ value }: Field): unknown => (typeof value === 'number' ? wrongTypes[value] : value);
const listOf = (field: Field, item: object): unknown =>
  typeof field.value === 'number' ? wrongTypes[field.value] : repeat(field.count, () => item);

function hostilePod({ fields, asks, envVar, mountRequirement, odd }: Described): object {
  const of = (name: (typeof fieldNames)[number]): Field => fields[name] ?? { value: '', count: 0 };
  const entry = { name: textOf(of('entry')), mountPath: textOf(of('mountPath')), value: 'x' };
  const lists = { env: listOf(of('list'), entry), volumeMounts: listOf(of('entry'), entry) };
  const container = { name: textOf(of('name')), ...lists };
  const annotations = Object.fromEntries(repeat(odd, (index) => [`flyte.secrets/sx${index}`, '']));
  return {
    ...aPod({
      asks: repeat(asks, (index) => ({
        group: index % 3 === 0 ? `g${index}` : 'db',
        key: index % 3 === 0 ? 'k' : 'pass',
        mountRequirement,
        envVar: envVar ? `X${index}` : '',
      })),
      annotations,
      metadata: of('namespace').count > 2 ? { namespace: textOf(of('namespace')) } : {},
    }),
    spec: {
      containers: listOf(of('kind'), container),
      initContainers: listOf(of('namespace'), container),
      volumes: listOf(of('volume'), entry),
      ...(of('account').count > 2 ? { serviceAccountName: textOf(of('account')) } : {}),
    },
  };
}
type Described = typeof description extends fc.Arbitrary<infer T> ? T : never;

/** Each is a pod of up to 3 MiB. */
const { numRuns } = heavyPropertyRuns(400, 3 / 10);

test('input 58: whatever a pod is made of, it is answered in few steps, and a patch applies and repeats to nothing', () => {
  let injected = 0;
  fc.assert(
    fc.property(description, fc.constantFrom(rules, pullRules), (described, by) => {
      const pod = hostilePod(described);
      const body = bytesOf(aReview(pod));
      const review: unknown = JSON.parse(body.toString());
      const budget = createWorkBudget();
      const { result: admission, calls } = countCalls(() => admitReview(review, by, { budget }));
      const steps = budget.spent();
      assert.ok(calls < 4 * steps + 15_000, `${calls} calls for ${steps} steps`);
      assert.ok(steps < 20 * body.length + 100_000, `${steps} steps for ${body.length} bytes`);
      const { response } = admission;
      assert.ok('response' in response);
      assert.ok((response.response.status?.message ?? '').length <= 2_000);
      assert.ok((response.response.warnings ?? []).length <= 31);
      if (admission.outcome !== 'injected') return;
      injected++;
      assertRepeats(pod, by, { admission, steps });
    }),
    { numRuns, endOnFailure: true },
  );
  assert.ok(injected > numRuns / 20, `only ${injected} pods were injected`);
});
