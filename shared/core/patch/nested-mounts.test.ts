import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Admission, admitReview } from '#shared/core/admission/admit.ts';
import { createWorkBudget } from '#shared/core/bounds/work-budget.ts';
import type { Rules } from '#shared/core/rules/chain.ts';
import { aPod, aReview, mountNumber, someRules } from '#testkit/pods/a-pod.ts';
import type { Json } from '#testkit/pods/golden-case.ts';
import { applyPatch } from './apply-patch.ts';
import { planPod } from './pod-plan.ts';

/** Mounts inside others with which the kubelet or the runtime would not start the container (docs/reference/kube-apiserver.md C46 and C47). */
const inventory = { k8s: { ns: { db: ['k'], models: ['v2'], api: ['k'] } } };
const k8s = someRules({ chain: ['k8s'] }, inventory);
const both = someRules({ chain: ['k8s', 'aws'] }, inventory);
const file = { group: 'db', key: 'k', mountRequirement: mountNumber.file };
const pulled = { ...file, group: 'g' };
const root = '/etc/flyte/secrets';

type Volume = Record<string, unknown>;
type Mount = Record<string, unknown> & { mountPath: string };

const podWith = (mounts: Mount[], volume: Volume, asks: object[] = [file]): object =>
  aPod({
    asks,
    spec: {
      containers: [{ name: 'main', volumeMounts: mounts.map((mount) => ({ name: 'own', ...mount })) }],
      volumes: [
        { name: 'own', ...volume },
        { name: 'scratch', emptyDir: {} },
      ],
    },
  });

function admitted(pod: object, rules: Rules = k8s): { admission: Admission; pod: Json } {
  const after = structuredClone(pod);
  const admission = admitReview(aReview(after), rules);
  applyPatch(after, admission.patch);
  if (admission.outcome === 'injected') assert.deepEqual(admitReview(aReview(after), rules).patch, []);
  else assert.deepEqual([admission.code, admission.patch], ['PATH_CLASH', []]);
  return { admission, pod: after as unknown as Json };
}
const isServed = (pod: object, rules?: Rules): boolean =>
  admitted(pod, rules).admission.outcome === 'injected';
const messageOf = ({ admission: { response } }: ReturnType<typeof admitted>): string =>
  ('response' in response ? response.response.status?.message : undefined) ?? '';

const written: Record<string, Volume> = {
  emptyDir: { emptyDir: {} },
  claim: { persistentVolumeClaim: { claimName: 'c' } },
  csi: { csi: { driver: 'd' } },
  hostPath: { hostPath: { path: '/srv' } },
  ephemeral: { ephemeral: {} },
};
const filled: Record<string, Volume> = {
  configMap: { configMap: { name: 'c' } },
  secret: { secret: { secretName: 's' } },
  projected: { projected: { sources: [] } },
  downwardAPI: { downwardAPI: { items: [] } },
};

for (const [kind, volume] of Object.entries(written)) {
  test(`a mount of ${kind} that is read only and lies above a secret's is refused, one that is writable is not`, () => {
    for (const mountPath of ['/etc', '/etc/flyte', root, `${root}/`, '/etc/./flyte/x/..']) {
      assert.ok(!isServed(podWith([{ mountPath, readOnly: true }], volume)), mountPath);
      assert.ok(isServed(podWith([{ mountPath }], volume)), mountPath);
    }
    for (const mountPath of ['/etc/flyte/secret', '/etc/fly', '/srv']) {
      assert.ok(isServed(podWith([{ mountPath, readOnly: true }], volume)), mountPath);
    }
  });
}

test('the refusal of a read-only mount names it, the folder of the secret and the way out', () => {
  const refused = admitted(podWith([{ mountPath: '/etc/flyte', readOnly: true }], { emptyDir: {} }));
  assert.equal(
    messageOf(refused),
    'container "main" mounts volume "own" at "/etc/flyte", where the folder "/etc/flyte/secrets/db" of secret "db/k" cannot be made, for it is read only: mount it elsewhere, or without readOnly [PATH_CLASH]',
  );
});

test('a volume that is read only by itself is refused above a secret too', () => {
  for (const volume of [
    { persistentVolumeClaim: { claimName: 'c', readOnly: true } },
    { csi: { driver: 'd', readOnly: true } },
    { nfs: { server: 's', path: '/', readOnly: true } },
    { image: { reference: 'i' } },
  ]) {
    assert.ok(!isServed(podWith([{ mountPath: '/etc/flyte' }], volume)), JSON.stringify(volume));
  }
});

for (const [kind, volume] of Object.entries(filled)) {
  test(`the kubelet makes the folders of secrets inside a ${kind}, unless a part of it is mounted`, () => {
    assert.ok(isServed(podWith([{ mountPath: '/etc/flyte' }], volume)));
    assert.ok(isServed(podWith([{ mountPath: '/etc/flyte', readOnly: true }], volume)));
    assert.ok(!isServed(podWith([{ mountPath: '/etc/flyte', subPath: 'x' }], volume)));
    assert.ok(!isServed(podWith([{ mountPath: '/etc/flyte', subPathExpr: '$(X)' }], volume)));
  });

  test(`a file of a ${kind} cannot be mounted inside the folder of a secret, and can where a container writes it`, () => {
    const part = { mountPath: `${root}/db/ca.crt`, subPath: 'ca.crt' };
    assert.ok(!isServed(podWith([part], volume)));
    assert.ok(isServed(podWith([{ ...part, mountPath: `${root}/ca.crt` }], volume, [pulled]), both));
    assert.ok(isServed(podWith([{ mountPath: `${root}/db/certificates` }], volume)));
  });
}

test('of several mounts above a secret the innermost counts', () => {
  const outer = { mountPath: '/etc', readOnly: true };
  const scratch = { name: 'scratch', mountPath: '/etc/flyte' };
  assert.ok(!isServed(podWith([outer], { emptyDir: {} })));
  assert.ok(isServed(podWith([outer, scratch], { emptyDir: {} })));
  assert.ok(
    !isServed(
      podWith(
        [
          { ...outer, mountPath: '/etc/flyte' },
          { ...scratch, mountPath: '/etc' },
        ],
        {},
      ),
    ),
  );
});

test("a mount of the user's inside the folder of pulled files makes our mount writable in that container alone", () => {
  const pod = podWith([{ mountPath: `${root}/cache` }], { emptyDir: {} }, [pulled]) as unknown as Json;
  pod.spec?.containers?.push({ name: 'side' } as unknown as Json);
  const { pod: after, admission } = admitted(pod, both);
  assert.equal(admission.outcome, 'injected');
  const readOnly = [...(after.spec?.containers ?? [])].map(
    ({ volumeMounts }) => volumeMounts?.find(({ mountPath }: Json) => mountPath === root)?.readOnly,
  );
  assert.deepEqual(readOnly, [false, true]);
});

test('a group_version that is also the key would be file and folder at once, and is refused', () => {
  const asked = { group: 'models', groupVersion: 'v2', key: 'v2', mountRequirement: mountNumber.file };
  const refused = admitted(podWith([], {}, [asked]));
  assert.equal(
    messageOf(refused),
    'secret "models@v2/v2" would be both the file "v2" and the file "v2/v2" in one folder (file names are lower case), and one name is no file and folder at once: use another group_version or key [PATH_CLASH]',
  );
  assert.ok(isServed(podWith([], {}, [{ ...asked, mountRequirement: mountNumber.env }])));
  assert.ok(!isServed(podWith([], {}, [{ ...asked, groupVersion: 'V2' }])));
});

/** A plan of edits as recipes of one's own may bring them. */
const volumeAt = (name: string, mountPath: string, paths: string[]): object[] => [
  {
    volume: {
      name,
      secret: { secretName: name, items: paths.map((path) => ({ key: path, path })), optional: false },
    },
  },
  { volumeMount: { name, mountPath, readOnly: true } },
];
const planned = (...grants: object[][]): ReturnType<typeof planPod> =>
  planPod(
    grants.map((edits, index) => ({ title: `s${index}`, edits: edits as never })),
    createWorkBudget(),
  );

test('mounts of several managers that would hide a file of one another, or have no place, are refused', () => {
  const csi = (readOnly: boolean): object[] => [
    { volume: { name: 'c', csi: { driver: 'd', readOnly } } },
    { volumeMount: { name: 'c', mountPath: root } },
  ];
  const db = volumeAt('db', `${root}/db`, ['k']);
  for (const [outer, message] of [
    [volumeAt('flat', root, ['db']), /would hide the file "\/etc\/flyte\/secrets\/db" of secret "s0"/],
    [volumeAt('flat', root, ['db/other']), /would hide the file "\/etc\/flyte\/secrets\/db\/other"/],
    [[{ file: { path: `${root}/db/`, source: 'x' } }], /would hide the file "\/etc\/flyte\/secrets\/db"/],
    [
      csi(true),
      /cannot be made inside the folder "\/etc\/flyte\/secrets" of secret "s0", which is read only/,
    ],
  ] as const) {
    assert.throws(() => planned([...outer], db), { code: 'PATH_CLASH', message });
  }
  for (const outer of [volumeAt('flat', root, ['dbx', 'd/b']), csi(false)]) planned(outer, db);
});

test('one place that recipes spell in several ways is one mount', () => {
  const plan = planned(volumeAt('a', root, ['x']), volumeAt('b', `${root}//`, ['y']));
  assert.deepEqual([...plan.mounts.keys()], [root]);
  assert.throws(() => planned(volumeAt('a', root, ['x']), volumeAt('b', '/etc/flyte/./secrets', ['x'])), {
    code: 'PATH_CLASH',
  });
});
