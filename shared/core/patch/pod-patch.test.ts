import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Admission, admitReview } from '#shared/core/admission/admit.ts';
import type { Rules } from '#shared/core/rules/chain.ts';
import { member } from '#shared/core/text/json-object.ts';
import { aPod, aReview, mountNumber, someRules } from '#testkit/pods/a-pod.ts';
import { arbitraryPod, oddKeys, withAnnotationsReversed } from '#testkit/pods/arbitrary-pod.ts';
import { propertyRuns } from '#testkit/properties/property-runs.ts';
import { escapePointer } from './add-operation.ts';
import { applyPatch } from './apply-patch.ts';

const groups = ['db', 'api', 'global-a', 'global-b'];
const inventory = {
  global: { files: { 'global-a/k1': '1', 'global-a/K2': '2', 'global-b/k1': '3', 'db/extra': '4' } },
  k8s: { ns: { db: ['k1', 'K2', 'extra'], api: ['k1', 'k3'], 'global-a': ['k3'] } },
};
const reference = someRules({}, inventory);

function inject(pod: object, rules: Rules = reference): { admission: Admission; pod: object } {
  const after = structuredClone(pod);
  const admission = admitReview(aReview(after), rules);
  applyPatch(after, admission.patch);
  return { admission, pod: after };
}
const at = (value: unknown, ...path: (string | number)[]): unknown =>
  path.reduce<unknown>(
    (node, step) => (Array.isArray(node) ? node[Number(step)] : member(node, String(step))),
    value,
  );

test('in reference mode files of several Secrets in one folder share one projected volume', () => {
  const ask = (group: string, key: string): object => ({ group, key, mountRequirement: mountNumber.file });
  const { admission, pod } = inject(
    aPod({ asks: [ask('global-a', 'k1'), ask('global-a', 'K2'), ask('global-a', 'k3')] }),
  );
  assert.equal(admission.outcome, 'injected');
  assert.match(
    JSON.stringify(at(pod, 'spec', 'volumes')),
    /"projected":\{"sources":\[.*"optional":false.*"name":"global-a"/,
  );
  assert.equal((at(pod, 'spec', 'volumes') as unknown[]).length, 1);
  assert.deepEqual(inject(pod).admission.patch, []);
});

test('a global secret by reference is read from its copy and must exist', () => {
  const { pod } = inject(aPod({ asks: [{ group: 'global-a', key: 'k1' }] }));
  const env = JSON.stringify(at(pod, 'spec', 'containers', 0, 'env'));
  assert.match(
    env,
    /"secretKeyRef":\{"name":"latchkey-global-[0-9a-f]","key":"file_3Aglobal-a_2Fk1","optional":false\}/,
  );
});

test('sidecars and init containers get the secrets, ephemeral containers are left alone', () => {
  const spec = {
    containers: [
      { name: 'a', env: null },
      { name: 'b', env: [] },
    ],
    initContainers: [{ name: 'side', restartPolicy: 'Always', volumeMounts: null }],
    ephemeralContainers: [{ name: 'debug' }],
  };
  const { pod } = inject(aPod({ asks: [{ group: 'db', key: 'k1', mountRequirement: 2 }], spec }));
  for (const path of [
    ['containers', 0],
    ['containers', 1],
    ['initContainers', 0],
  ] as const) {
    assert.match(JSON.stringify(at(pod, 'spec', ...path)), /"mountPath":"\/etc\/flyte\/secrets\/db"/);
  }
  assert.deepEqual(at(pod, 'spec', 'ephemeralContainers'), [{ name: 'debug' }]);
});

test("a user's setting that moves all secrets is kept, and the warning names a secret that it hides", () => {
  const env = [{ name: 'FLYTE_SECRETS_ENV_PREFIX', value: 'MY_' }];
  const { admission } = inject(
    aPod({
      asks: [{ group: 'db', key: 'k1', mountRequirement: 1 }],
      spec: { containers: [{ name: 'main', env }] },
    }),
  );
  assert.match(admission.warnings.join(), /FLYTE_SECRETS_ENV_PREFIX of container .* hides secret db\/k1/);
  for (const warning of admission.warnings) assert.ok(warning.length <= 120);
});

test("a user's mount that would hide a secret's file is refused, another below the same folder is not", () => {
  const withMount = (mountPath: string, ask: object, rules?: Rules): string | undefined => {
    const mounted = { name: 'main', volumeMounts: [{ name: 'own', mountPath }] };
    const spec = { containers: [mounted], volumes: [{ name: 'own', emptyDir: {} }] };
    const { admission, pod } = inject(aPod({ asks: [{ ...ask, mountRequirement: 2 }], spec }), rules);
    if (admission.outcome === 'injected') assert.deepEqual(inject(pod, rules).admission.patch, []);
    return admission.outcome === 'injected' ? undefined : admission.code;
  };
  const k8s = { group: 'db', key: 'k1', groupVersion: 'v1' };
  const hiding = [
    '/db/k1',
    '/db/k1/',
    '/db/./x/../k1',
    '/db/v1',
    '/db/v1/k1',
    '/db',
    '/db/k1/below',
    '/db/v1/x',
  ];
  for (const path of hiding) {
    assert.equal(withMount(`/etc/flyte/secrets${path}`, k8s), 'PATH_CLASH', path);
  }
  for (const path of ['', '/db/other', '/api', '/db/k11']) {
    assert.equal(withMount(`/etc/flyte/secrets${path}`, k8s), undefined, path);
  }
  const aws = someRules({ chain: ['aws'] });
  for (const path of ['/g', '/g/k', '/g/k/below']) {
    assert.equal(withMount(`/etc/flyte/secrets${path}`, { group: 'g', key: 'k' }, aws), 'PATH_CLASH', path);
  }
  assert.equal(withMount('/etc/flyte/secrets/h', { group: 'g', key: 'k' }, aws), undefined);
});

test('defaults that the API server adds to our additions do not make a second patch', () => {
  const { pod } = inject(aPod({ asks: [{ group: 'db', key: 'k1', mountRequirement: 2 }] }));
  const defaulted = JSON.parse(
    JSON.stringify(pod)
      .replace('"optional":false', '"optional":false,"defaultMode":420')
      .replace('"name":"FLYTE_SECRETS_FILE_PREFIX","value":""', '"name":"FLYTE_SECRETS_FILE_PREFIX"'),
  );
  assert.deepEqual(inject(defaulted).admission.patch, []);
});

test('a pod too large to be stored is refused instead of answered with a huge patch', () => {
  const containers = Array.from({ length: 500 }, (_, index) => ({ name: `c${index}` }));
  const asks = Array.from({ length: 200 }, (_, index) => ({
    group: 'g',
    key: `k${index}`,
    mountRequirement: 1,
  }));
  const open = someRules({ chain: ['k8s'], k8s: { inventory: 'open' } });
  assert.equal(inject(aPod({ asks, spec: { containers } }), open).admission.code, 'TOO_MANY_SECRETS');
});

const request = fc.record({
  group: fc.constantFrom(...groups),
  key: fc.constantFrom('k1', 'K2', 'k3', 'extra'),
  groupVersion: fc.constantFrom('', 'v1', 'V2'),
  envVar: fc.constantFrom('', '', 'X', 'Y'),
  mountRequirement: fc.constantFrom(0, 1, 2),
});
const anyPod = arbitraryPod(request);
const openRules = someRules({ global: { delivery: 'inline' }, k8s: { inventory: 'open' } }, inventory);

for (const [name, rules] of [
  ['reference', reference],
  ['open and inline', openRules],
] as const) {
  test(`on arbitrary pods the patch applies, says everything, and is empty the second time (${name})`, () => {
    let injected = 0;
    fc.assert(
      fc.property(anyPod, (pod) => {
        const once = inject(pod, rules);
        const { response, patch, secrets } = once.admission;
        const again = inject(pod, rules);
        assert.deepEqual(again.pod, once.pod);
        assert.equal(
          JSON.stringify([again.admission.response, again.admission.patch, again.admission.secrets]),
          JSON.stringify([response, patch, secrets]),
        );
        if (once.admission.outcome !== 'injected') assert.deepEqual(once.admission.patch, []);
        else injected++;
        assert.deepEqual(inject(once.pod, rules).admission.patch, []);
      }),
      propertyRuns,
    );
    assert.ok(injected > propertyRuns.numRuns / 500, `only ${injected} pods were injected`);
  });
}

test('the order of the annotations does not matter', () => {
  fc.assert(
    fc.property(anyPod, (pod) => {
      const turned = withAnnotationsReversed(pod);
      assert.deepEqual(inject(turned).admission.patch, inject(pod).admission.patch);
    }),
    propertyRuns,
  );
});

test('pointers reach members of any name', () => {
  fc.assert(
    fc.property(oddKeys, (key) => {
      const document = JSON.parse('{"a":{}}');
      applyPatch(document, [{ op: 'add', path: `/a/${escapePointer(key)}`, value: 1 }]);
      assert.deepEqual(Object.entries(document.a), [[key, 1]]);
    }),
  );
});

test('an operation that does not apply is an error, as with the API server', () => {
  const wrong = ['', 'a', '/a/-', '/list/7', '/list/01', '/list/x', '/text/a', '/__proto__/a'];
  for (const path of wrong) {
    assert.throws(
      () => applyPatch({ list: [1], text: 'x' }, [{ op: 'add', path, value: 1 }]),
      /does not apply/,
    );
  }
});

test('a list that would be too long with its secrets is refused at once, not when the patched pod is asked about again', () => {
  const ask = { group: 'db', key: 'k1', mountRequirement: mountNumber.file };
  const of = (volumeMounts: number): object =>
    aPod({
      asks: [ask],
      spec: {
        containers: [
          {
            name: 'c',
            volumeMounts: Array.from({ length: volumeMounts }, (_, at) => ({ mountPath: `/${at}` })),
          },
        ],
      },
    });
  const { admission, pod } = inject(of(9_999));
  assert.equal(admission.outcome, 'injected');
  assert.deepEqual(inject(pod).admission.patch, []);
  assert.equal(inject(of(10_000)).admission.code, 'POD_TOO_LARGE');
});
