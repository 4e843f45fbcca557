import assert from 'node:assert/strict';
import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Admission, admitReview } from '#shared/core/admission/admit.ts';
import type { SecretRequest } from '#shared/core/flyte/secret-request.ts';
import { applyPatch } from '#shared/core/patch/apply-patch.ts';
import { aPod, aReview, mountNumber, someRules } from '#testkit/pods/a-pod.ts';
import type { Json } from '#testkit/pods/golden-case.ts';
import { podFaults } from '#testkit/pods/pod-faults.ts';

/** The differences from Flyte that docs/flyte-compatibility.md lists, by their numbers there. */
const value = 'pa$(HOMEX)ss';
const inventory = { global: { env: { FLYTE_SECRET_TEAM_TOKEN: value } }, k8s: { ns: {} } };
const inline = { global: { delivery: 'inline' }, k8s: { inventory: 'open' } };
const { any, env, file } = mountNumber;
const token = { group: 'team', key: 'token' };

/** The answer to a pod that asks for these, and the pod after the patch. */
function answer(config: object, pod: object): { admission: Admission; pod: Json } {
  const after = structuredClone(pod);
  const admission = admitReview(aReview(after), someRules(config, inventory));
  applyPatch(after, admission.patch);
  return { admission, pod: after as unknown as Json };
}
const ask = (config: object, ...asks: Partial<SecretRequest>[]): ReturnType<typeof answer> =>
  answer(config, aPod({ asks }));
const chainOf = (manager: string): object => ({ ...inline, chain: [manager] });
const envOf = ({ pod }: { pod: Json }): Record<string, string | undefined> =>
  Object.fromEntries(
    [...(pod.spec?.containers?.[0]?.env ?? [])].map(({ name, value: text }) => [name, text]),
  );
const statusOf = ({ admission: { response } }: { admission: Admission }): number | undefined =>
  'response' in response ? response.response.status?.code : response.code;

function assertDenied(answered: ReturnType<typeof answer>, note?: string): void {
  assert.equal(statusOf(answered), 400, note);
  assert.deepEqual(answered.admission.patch, []);
}

test('difference 1: pull containers come first, so that init containers can read the files', () => {
  const spec = { initContainers: [{ name: 'mine', image: 'img' }] };
  for (const [manager, ask] of Object.entries(pulled)) {
    const { pod } = answer(chainOf(manager), aPod({ asks: [ask], spec }));
    const [first, second] = pod.spec?.initContainers ?? [];
    assert.deepEqual([first?.name, second?.name], [`${manager}-pull-secret-1`, 'mine']);
    assert.equal(second?.volumeMounts?.[0]?.mountPath, '/etc/flyte/secrets');
  }
});

test('difference 2: a pod is never admitted without a secret that it asks for', () => {
  const good = { group: 'g', key: 'k', mountRequirement: any };
  for (const bad of [{ key: 'k' }, { ...good, mountRequirement: 7 }, { group: 'No', key: 'k' }]) {
    assertDenied(ask(chainOf('k8s'), good, bad));
  }
  assertDenied(answer(chainOf('k8s'), aPod({ asks: [good], annotations: { 'flyte.secrets/s9': '!' } })));
});

test('difference 3: the order is that of the numbers, and a second pass changes nothing', () => {
  const asks = Array.from({ length: 12 }, (_, index) => ({ group: `secret/g${index}`, key: 'k' }));
  for (const manager of ['vault', 'aws']) {
    const pod = aPod({ asks }) as { metadata: { annotations: Record<string, string> } };
    const once = answer(chainOf(manager), pod);
    const annotations = Object.fromEntries(Object.entries(pod.metadata.annotations).toReversed());
    const turned = { ...pod, metadata: { ...pod.metadata, annotations } };
    assert.deepEqual(answer(chainOf(manager), turned).admission.patch, once.admission.patch);
    assert.deepEqual(answer(chainOf(manager), once.pod).admission.patch, []);
  }
});

test('difference 4: two versions of a group as files make one valid volume, and the volumes of the user stay', () => {
  const mine = { name: 'mine', secret: { secretName: 'g' } };
  const asks = ['v1', 'v2'].map((groupVersion) => ({
    group: 'g',
    groupVersion,
    key: 'k',
    mountRequirement: file,
  }));
  const { pod } = answer(chainOf('k8s'), aPod({ asks, spec: { volumes: [mine] } }));
  assert.deepEqual(pod.spec?.volumes?.[0], mine);
  assert.equal(pod.spec?.volumes?.length, 2);
  assert.deepEqual(podFaults(pod), []);
});

test('difference 5: a volume name that would be too long is hashed', () => {
  const { pod } = ask(chainOf('k8s'), { group: 'g'.repeat(39), key: 'k', mountRequirement: file });
  assert.match(pod.spec?.volumes?.[0]?.name ?? '', /^s-[0-9a-f]{16}$/);
});

test('difference 6: a secret of k8s and global with a group_version also has its versioned name', () => {
  const versioned = { ...token, groupVersion: 'v1' };
  const names = ['_FSEC_TEAM_TOKEN', '_FSEC_TEAM_V1_TOKEN'];
  for (const manager of ['k8s', 'global']) {
    const answered = ask(chainOf(manager), { ...versioned, mountRequirement: env });
    for (const name of names) assert.ok(Object.hasOwn(envOf(answered), name), `${manager} ${name}`);
  }
  const { pod } = ask(chainOf('k8s'), { ...versioned, mountRequirement: file });
  const items = [
    { key: 'token', path: 'token' },
    { key: 'token', path: 'v1/token' },
  ];
  assert.deepEqual(pod.spec?.volumes?.[0]?.secret?.items, items);
  const vault = ask(chainOf('vault'), { ...versioned, mountRequirement: file });
  assert.equal(JSON.stringify(vault.pod).includes('team/v1'), false);
});

test('difference 7: what is not safe in a shell line, a template or a path is denied', () => {
  const unsafe = [
    '..',
    '../x',
    'a/../b',
    'a;id',
    '$(id)',
    'a`id`',
    'a"b',
    "a'b",
    'a b',
    'a\nb',
    'a}}b',
    'a|b',
    '\0',
  ];
  for (const text of unsafe) {
    assertDenied(ask(chainOf('aws'), { group: text, key: 'k' }), text);
    assertDenied(ask(chainOf('aws'), { group: 'g', key: text }), text);
    assertDenied(ask(chainOf('gcp'), { group: text, groupVersion: '1' }), text);
    assertDenied(ask(chainOf('gcp'), { group: 'g', groupVersion: text }), text);
    assertDenied(ask(chainOf('azure'), { group: `https://v.vault.azure.net/secrets/${text}` }), text);
    assertDenied(ask(chainOf('azure'), { ...pulled.azure, groupVersion: text }), text);
    assertDenied(ask(chainOf('vault'), { group: text, key: 'k' }), text);
    assertDenied(ask(chainOf('vault'), { group: 'g', key: text }), text);
  }
  assertDenied(ask(chainOf('gcp'), { group: '--impersonate-service-account', groupVersion: '1' }));
});

test('difference 8: a global secret as a file comes from its copy, or in inline delivery from the next manager', () => {
  const reference = ask({}, { ...token, mountRequirement: file });
  assert.match(reference.pod.spec?.volumes?.[0]?.secret?.secretName ?? '', /^latchkey-global-/);
  const next = ask({ ...inline, chain: ['global', 'aws'] }, { ...token, mountRequirement: file });
  assert.equal(next.admission.secrets[0]?.manager, 'aws');
});

test('difference 9: the value of a global secret stands in the pod only with inline delivery', () => {
  const shown = (config: object): boolean => JSON.stringify(ask(config, token)).includes('HOMEX');
  assert.equal(shown({}), false);
  assert.equal(shown(inline), true);
});

test('difference 10: what is told of a decision holds no value', () => {
  const hidden = [{ name: 'X', value: 'mine' }];
  const spec = { containers: [{ name: 'main', env: hidden }] };
  for (const config of [{}, inline]) {
    for (const more of [[], [{ group: 'No', key: 'k' }]]) {
      const pod = aPod({ asks: [{ ...token, envVar: 'X' }, ...more], spec });
      const { secrets, warnings, code, outcome, response } = answer(config, pod).admission;
      const status = 'response' in response ? response.response.status : response;
      assert.equal(JSON.stringify([secrets, warnings, code, outcome, status]).includes('HOMEX'), false);
    }
  }
});

test('difference 11: a name that no Kubernetes Secret can have is denied', () => {
  for (const name of [
    { group: 'TeamA', key: 'k' },
    { group: 'a/b', key: 'k' },
    { group: 'g', key: 'a/b' },
  ]) {
    for (const mountRequirement of [any, env, file])
      assertDenied(ask(chainOf('k8s'), { ...name, mountRequirement }));
  }
});

test('difference 12: env_var is honoured by every manager', () => {
  const envVar = 'MY_SECRET';
  const path = (manager: string, ask_: Partial<SecretRequest>): string | undefined =>
    envOf(ask(chainOf(manager), { ...ask_, envVar, mountRequirement: file }))[envVar];
  assert.equal(path('k8s', token), '/etc/flyte/secrets/team/token');
  assert.equal(path('aws', pulled.aws), '/etc/flyte/secrets/arn:aws:s:/db-x');
  assert.equal(path('gcp', pulled.gcp), '/etc/flyte/secrets/db/2');
  assert.equal(path('azure', pulled.azure), '/etc/flyte/secrets/db');
  assert.equal(path('azure', { ...pulled.azure, groupVersion: 'V2' }), '/etc/flyte/secrets/db/v2');
  assert.equal(path('vault', { group: 'secret/Db', key: 'k' }), '/etc/flyte/secrets/secret/Db/k');
  const moved = {
    ...chainOf('vault'),
    vault: { annotations: { 'vault.hashicorp.com/secret-volume-path': '/v' } },
  };
  assert.equal(envOf(ask(moved, { group: 'g', key: 'k', envVar }))[envVar], '/v/g/k');
  for (const manager of ['k8s', 'global']) {
    const given = envOf(ask(chainOf(manager), { ...token, envVar, mountRequirement: env }));
    assert.ok(Object.hasOwn(given, envVar), manager);
  }
});

test('difference 13: global names are checked, and a value with $(...) reaches the task unexpanded', () => {
  assertDenied(ask(chainOf('global'), { group: '../outside', key: 'token' }));
  assert.equal(envOf(ask(chainOf('global'), token))._FSEC_TEAM_TOKEN, 'pa$$(HOMEX)ss');
});

test('difference 14: an annotation of the pod that would keep a Vault secret away is refused', () => {
  const vault = 'vault.hashicorp.com/';
  const asks = [{ group: 'secret/db', key: 'k' }];
  const after = (annotations: Record<string, string>, config = chainOf('vault')) =>
    answer(config, aPod({ asks, annotations }));
  const ids = Object.keys(after({}).pod.metadata?.annotations ?? {});
  const idOf = ids.flatMap((name) => name.split(`${vault}agent-inject-secret-`)[1] ?? [])[0];
  for (const [name, value] of [
    ['agent-inject', 'false'],
    ['secret-volume-path', '/v'],
    ['agent-inject-status', 'injected'],
    ['agent-inject-containers', 'nobody'],
    ['agent-configmap', 'mine'],
    [`secret-volume-path-${idOf}`, '/v'],
    [`agent-inject-template-${idOf}`, 'mine'],
  ] as const) {
    const denied = after({ [vault + name]: value });
    assertDenied(denied, name);
    assert.equal(denied.admission.code, 'VARIABLE_CLASH');
    assert.ok(
      JSON.stringify(denied.admission.response).includes(`annotation \\"${vault}${name}\\" of the pod`),
    );
  }
  const own = {
    [`${vault}agent-inject`]: 'true',
    [`${vault}role`]: 'mine',
    [`${vault}agent-inject-secret-x`]: 'y',
  };
  const served = after(own);
  assert.equal(served.admission.outcome, 'injected');
  // The injector says that it is done, before we are asked again.
  const done = structuredClone(served.pod);
  Object.assign(done.metadata?.annotations ?? {}, { [`${vault}agent-inject-status`]: 'injected' });
  assert.deepEqual(answer(chainOf('vault'), done).admission.patch, []);
  const configured = {
    ...chainOf('vault'),
    vault: { annotations: { [`${vault}agent-inject-containers`]: 'main' } },
  };
  assert.equal(
    after({ [`${vault}agent-inject-containers`]: 'main' }, configured).admission.outcome,
    'injected',
  );
  assertDenied(after({ [`${vault}agent-inject-containers`]: 'nobody' }, configured));
});

test('difference 15: containers of meshes and agents get no secrets', () => {
  const spec = { containers: ['main', 'istio-proxy', 'side'].map((name) => ({ name, image: 'img' })) };
  const annotations = { 'latchkey.dev/skip-containers': 'side' };
  const { pod } = answer(
    chainOf('k8s'),
    aPod({ asks: [{ ...token, mountRequirement: env }], spec, annotations }),
  );
  const served = [...(pod.spec?.containers ?? [])].filter((container) => container.env !== undefined);
  assert.deepEqual(
    served.map(({ name }) => name),
    ['main'],
  );
});

test('difference 16: a Secret that was known to exist is not optional', () => {
  const known = { k8s: { ns: { team: ['token'] } } };
  for (const mode of ['closed', 'open']) {
    const rules = someRules({ chain: ['k8s'], k8s: { inventory: mode } }, known);
    for (const mountRequirement of [env, file]) {
      const pod = aPod({ asks: [{ ...token, mountRequirement }] });
      const { patch } = admitReview(aReview(pod), rules);
      const optional = JSON.stringify(patch).match(/"optional":(true|false)/g);
      assert.deepEqual(optional, [`"optional":${mode === 'open'}`]);
      // A pod that is restored, as an earlier version injected it.
      applyPatch(pod, patch);
      const restored = JSON.parse(JSON.stringify(pod).replace('"optional":false', '"optional":true'));
      assert.deepEqual(
        admitReview(aReview(restored), rules).patch.filter(({ path }) => path.startsWith('/spec')),
        [],
      );
    }
  }
});

const pulled = {
  aws: { group: 'arn:aws:s:', key: 'Db-x' },
  gcp: { group: 'Db', groupVersion: '2' },
  azure: { group: 'https://v.vault.azure.net/secrets/Db/' },
};

test('the page of differences and the tests name each other', async () => {
  const root = join(import.meta.dirname, '../..');
  const page = await readFile(join(root, 'docs/flyte-compatibility.md'), 'utf8');
  const named = Array.from(page.matchAll(/^\| \d+ .*\| ([^|]+?) +\|$/gm), ([, name]) => name);
  const sources: string[] = [];
  for await (const path of glob('{test,shared,services,cli}/**/*.test.ts', { cwd: root })) {
    sources.push(await readFile(join(root, path), 'utf8'));
  }
  const tests = sources.flatMap((source) =>
    Array.from(source.matchAll(/^test\(\s*'([^']+)'/gm), ([, name]) => name),
  );
  assert.deepEqual(
    named.filter((name) => !tests.includes(name)),
    [],
  );
  assert.deepEqual(
    tests.filter((name) => name?.startsWith('difference ')),
    named.slice(0, 16),
  );
});
