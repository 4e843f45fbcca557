import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { stringify } from 'yaml';
import { anAnnotation, aPod, aReview, mountNumber } from '#testkit/pods/a-pod.ts';
import { runLatchkey as run } from '#testkit/processes/run-latchkey.ts';

const asked = { 'flyte.secrets/s0': anAnnotation({ group: 'nosuch', key: 'token' }) };
const labelled = { 'inject-flyte-secrets': 'true' };
const spec = { containers: [{ name: 'main', image: 'img' }] };
const template = { metadata: { labels: labelled, annotations: asked }, spec };
const named = (apiVersion: string, kind: string, name: string) => ({
  apiVersion,
  kind,
  metadata: { name, namespace: 'ns' },
});
const closed = ['--config', '/dev/null'];
const explain = (...documents: unknown[]) =>
  run(['explain', ...closed, '-'], { input: documents.map((each) => stringify(each)).join('---\n') });
const explainJson = async (input: string) =>
  JSON.parse((await run(['explain', '--json', ...closed, '-'], { input })).output);

/** The answer to a pod with a configuration of its own, which comes over stdin. */
async function explainOpen(pod: object, config: object) {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-explain-'));
  try {
    const file = join(folder, 'pod.json');
    await writeFile(file, JSON.stringify(pod));
    const args = ['explain', '--json', '--config', '-', file];
    return JSON.parse((await run(args, { input: JSON.stringify(config) })).output);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Objects that create a pod that asks for a secret, and the path of that pod in them. */
const makers: [object: object, paths: string[]][] = [
  [{ ...named('apps/v1', 'Deployment', 'a'), spec: { template } }, ['spec.template']],
  [{ ...named('apps/v1', 'StatefulSet', 'a'), spec: { template } }, ['spec.template']],
  [{ ...named('apps/v1', 'DaemonSet', 'a'), spec: { template } }, ['spec.template']],
  [{ ...named('apps/v1', 'ReplicaSet', 'a'), spec: { template } }, ['spec.template']],
  [{ ...named('batch/v1', 'Job', 'a'), spec: { template } }, ['spec.template']],
  [
    { ...named('batch/v1', 'CronJob', 'a'), spec: { jobTemplate: { spec: { template } } } },
    ['spec.jobTemplate.spec.template'],
  ],
  [{ ...named('v1', 'PodTemplate', 'a'), template }, ['template']],
  [
    {
      ...named('ray.io/v1', 'RayJob', 'a'),
      spec: {
        rayClusterSpec: { headGroupSpec: { template }, workerGroupSpecs: [{ template }, { template }] },
      },
    },
    [
      'spec.rayClusterSpec.headGroupSpec.template',
      'spec.rayClusterSpec.workerGroupSpecs[0].template',
      'spec.rayClusterSpec.workerGroupSpecs[1].template',
    ],
  ],
  [
    {
      ...named('kubeflow.org/v1', 'PyTorchJob', 'a'),
      spec: { pytorchReplicaSpecs: { Master: { template }, Worker: { replicas: 2, template } } },
    },
    ['spec.pytorchReplicaSpecs.Master.template', 'spec.pytorchReplicaSpecs.Worker.template'],
  ],
  [
    {
      ...named('sparkoperator.k8s.io/v1beta2', 'SparkApplication', 'a'),
      spec: {
        image: 'spark',
        driver: { labels: labelled, annotations: asked, serviceAccount: 'spark' },
        executor: { labels: labelled, annotations: asked, env: [{ name: 'A', value: 'b' }] },
      },
    },
    ['spec.driver', 'spec.executor'],
  ],
  [
    {
      apiVersion: 'kubernetes.dask.org/v1',
      kind: 'DaskJob',
      metadata: { name: 'a', namespace: 'ns', labels: labelled, annotations: asked },
      spec: { job: { spec }, cluster: { spec: { worker: { spec }, scheduler: { spec } } } },
    },
    ['spec.job', 'spec.cluster.spec.worker', 'spec.cluster.spec.scheduler'],
  ],
  [
    {
      ...named('flyte.lyft.com/v1alpha1', 'FlyteWorkflow', 'a'),
      tasks: { t: { template: { k8sPod: { metadata: template.metadata, podSpec: spec } } } },
    },
    ['tasks.t.template.k8sPod'],
  ],
  [
    {
      ...named('flyte.lyft.com/v1alpha1', 'FlyteWorkflow', 'a'),
      tasks: {
        t: { container: { image: 'img' }, securityContext: { secrets: [{ group: 'nosuch', key: 'token' }] } },
        u: {
          k8sPod: { podSpec: spec },
          securityContext: { secrets: [{ group: 'nosuch', key: 'token', mountRequirement: 'FILE' }] },
        },
      },
    },
    ['tasks.t', 'tasks.u'],
  ],
];

test('every pod template is found and judged, whatever holds it, and named by its path', async () => {
  for (const [object, paths] of makers) {
    const { kind } = object as { kind: string };
    const { pods } = await explainJson(JSON.stringify(object));
    assert.deepEqual(
      pods.map(({ path }: { path: string }) => path),
      paths.map((path) => `${kind} ns/a, ${path}`),
    );
    for (const { response, secrets } of pods) {
      assert.equal(response.status.code, 503, kind);
      assert.equal(secrets[0].group, 'nosuch');
    }
    const people = await explain(object);
    assert.equal(people.code, 1, kind);
    assert.match(
      people.output,
      new RegExp(`^${kind} ns/a, ${paths[0]?.replace(/[[\]]/g, '\\$&')}\\n  denied 503`),
    );
  }
});

test('a List and several documents are judged pod by pod, and objects without a pod are counted', async () => {
  const pod = aPod({ asks: [{ group: 'nosuch', key: 'token' }], metadata: { name: 'p', namespace: 'ns' } });
  const list = { apiVersion: 'v1', kind: 'List', items: [pod, aPod({})] };
  const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 's' } };
  const [deployment] = makers[0] ?? [];
  const { code, output } = await explain(list, service, deployment);
  assert.equal(code, 1);
  assert.match(output, /^document 1, items\[0\], Pod ns\/p\n {2}denied 503/);
  assert.match(output, /^document 1, items\[1\], Pod task\n {2}allowed \(nothing-asked\)/m);
  assert.match(output, /^document 3, Deployment ns\/a, spec\.template\n {2}denied 503/m);
  assert.match(
    output,
    /\n3 pods: 1 admitted with every secret asked for, 2 not; no pod in 1 other object\n$/,
  );
});

test('a file without any pod is an error that says what it holds', async () => {
  for (const [document, expected] of [
    [{ apiVersion: 'v1', kind: 'Service', metadata: { name: 's' } }, /no pod in it.*: it holds Service s$/m],
    [{ apiVersion: 'v1', kind: 'List', items: [] }, /no pod in it.*: it is empty$/m],
    [
      { ...named('apps/v1', 'Deployment', 'a'), spec: {} },
      /Deployment ns\/a: there is no pod template in it/,
    ],
    [aReview(aPod({}), { operation: 'DELETE' }), /not about the creation of a pod, so nothing was checked/],
  ] as const) {
    const { code, errors, output } = await explain(document);
    assert.deepEqual([code, output], [1, '']);
    assert.match(errors, expected);
  }
  const { code, errors } = await run(['explain', '-'], { input: 'a: 1\n---\nb: [\n' });
  assert.equal(code, 1);
  assert.match(errors, /stdin cannot be read: it is not JSON or YAML \(line \d, column \d\)/);
});

test('requests without the label, and a label that is no text, are told and are no success', async () => {
  const withLabels = (labels: object | undefined) => ({
    ...named('v1', 'Pod', 'a'),
    metadata: { name: 'a', annotations: asked, ...(labels === undefined ? {} : { labels }) },
    spec,
  });
  for (const [labels, expected] of [
    [undefined, /hint: it asks for a secret .*label inject-flyte-secrets: "true" is missing/],
    [{ 'inject-flyte-secrets': 'True' }, /hint: .*inject-flyte-secrets is "True" and not "true"/],
    [{ 'inject-flyte-secrets': true }, /hint: .*is the boolean true and not the text "true": quote it/],
  ] as const) {
    const { code, output } = await explain(withLabels(labels));
    assert.equal(code, 1);
    assert.match(output, expected);
  }
  const misplaced = { ...named('apps/v1', 'Deployment', 'a'), spec: { template: { spec } } };
  Object.assign(misplaced.metadata, { labels: labelled, annotations: asked });
  assert.match((await explain(misplaced)).output, /hint: the object asks for secrets, its template does not/);
});

test('the label without any request is told, and is no fault', async () => {
  const { code, output } = await explain(aPod({}));
  assert.equal(code, 0);
  assert.match(output, /^allowed \(nothing-asked\)\nhint: it has the label .*asks for nothing/);
});

test('a single pod keeps its format, with hints where there are any', async () => {
  const answer = await explainJson(JSON.stringify(aPod({ asks: [{ group: 'nosuch', key: 'token' }] })));
  assert.deepEqual(Object.keys(answer), ['secrets', 'warnings', 'response', 'pod']);
  const hinted = await explainJson(JSON.stringify(aPod({ asks: [{ key: 'HF_TOKEN' }] })));
  assert.match(hinted.hints[0], /^"HF_TOKEN" is asked for without a group, as Flyte 2 does/);
});

test('a variable that holds a path is told from one that holds the secret', async () => {
  const pod = aPod({
    asks: [
      { group: 'db', key: 'pass', envVar: 'PASS_FILE' },
      { group: 'db', key: 'user', envVar: 'DB_USER', mountRequirement: mountNumber.env },
    ],
  });
  const { secrets } = await explainOpen(pod, { chain: ['k8s'], k8s: { inventory: 'open' } });
  assert.deepEqual(secrets[0].how, ['PASS_FILE', '/etc/flyte/secrets/db/pass']);
  assert.deepEqual(secrets[0].holdsPath, ['PASS_FILE']);
  assert.equal(secrets[1].holdsPath, undefined);
});

test('a SparkApplication of which a part is left to defaults has the pod of the other part', async () => {
  const driver = { labels: labelled, annotations: asked };
  const application = { ...named('sparkoperator.k8s.io/v1beta2', 'SparkApplication', 'a'), spec: { driver } };
  const { code, output } = await explain(application);
  assert.equal(code, 1);
  assert.match(output, /^SparkApplication ns\/a, spec\.driver\n {2}denied 503/);
});

test('an object that asks for secrets and has no pod template that is known is no success', async () => {
  const makers = [
    { ...named('trainer.kubeflow.org/v1alpha1', 'TrainJob', 't'), spec: { annotations: asked } },
    { ...named('argoproj.io/v1alpha1', 'Workflow', 'w'), spec: { podMetadata: { annotations: asked } } },
    { ...named('example.com/v1', 'Pipeline', 'p'), spec: { driver: { annotations: asked } } },
  ];
  const admitted = aPod({ metadata: { name: 'pod' } });
  const { code, output } = await explain(...makers, admitted);
  assert.equal(code, 1);
  assert.match(output, /TrainJob ns\/t\n {2}not checked: it asks for secrets \(spec\.annotations\)/);
  assert.match(output, /Workflow ns\/w\n {2}not checked: .*\(spec\.podMetadata\.annotations\)/);
  const json = await explainJson([...makers, admitted].map((each) => stringify(each)).join('---\n'));
  assert.deepEqual(
    json.unchecked.map(({ places }: { places: string[] }) => places),
    [['spec.annotations'], ['spec.podMetadata.annotations'], ['spec.driver.annotations']],
  );
});

test('requests that stand beside a template are told by their place', async () => {
  const { output } = await explain({
    ...named('batch/v1', 'CronJob', 'c'),
    spec: {
      jobTemplate: {
        metadata: { annotations: asked },
        spec: { template: { metadata: { labels: labelled }, spec } },
      },
    },
  });
  assert.match(
    output,
    /hint: .*asks for nothing: the annotations at spec\.jobTemplate\.metadata\.annotations do not reach/,
  );
});

test('a pod for which the webhook is not called, or that cannot get secrets everywhere, is told so', async () => {
  for (const namespace of ['kube-system', 'latchkey', 'spared']) {
    const config = { k8s: { inventory: 'open' }, webhook: { excludedNamespaces: ['spared'] } };
    const pod = aPod({ metadata: { name: 'a', namespace, labels: labelled, annotations: asked } });
    const { hints } = await explainOpen(pod, config);
    assert.match(hints.join(), new RegExp(`does not call the webhook for namespace "${namespace}"`));
  }
  const debugged = { ...spec, ephemeralContainers: [{ name: 'debugger', image: 'img' }] };
  const asks = [{ group: 'nosuch', key: 'token' }];
  const { output } = await explain(aPod({ asks, spec: debugged }));
  assert.match(output, /hint: its ephemeral containers get no secrets/);
  const mirror = aPod({ asks, annotations: { 'kubernetes.io/config.mirror': 'x' } });
  assert.match((await explain(mirror)).output, /hint: it is the mirror of a static pod/);
});

test('what a denied pod would have got is not told as done', async () => {
  const volumes = [{ name: 'mine', emptyDir: {} }];
  const volumeMounts = [{ name: 'mine', mountPath: '/etc/flyte/secrets/db' }];
  const containers = [{ name: 'main', image: 'img', volumeMounts }];
  const asks = [{ group: 'db', key: 'k', mountRequirement: mountNumber.file }];
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-explain-'));
  try {
    const file = join(folder, 'pod.json');
    await writeFile(file, JSON.stringify(aPod({ asks, spec: { volumes, containers } })));
    const input = JSON.stringify({ k8s: { inventory: 'open' } });
    const { output } = await run(['explain', '--config', '-', file], { input });
    assert.match(output, /^denied 400 .*\n- .*\n {4}would be injected by k8s as file/);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('values that say they are texts and are none end in a sentence, in explain and in config import', async () => {
  const trap = { toString: 1 };
  const inputs = [
    { kind: trap },
    { kind: 'List', items: [{ kind: trap, apiVersion: trap }] },
    { webhook: { secretManagerTypes: [trap], webhookName: trap } },
  ];
  for (const input of inputs) {
    for (const command of [
      ['explain', ...closed, '-'],
      ['config', 'import', '-'],
    ]) {
      const { output, errors } = await run(command, { input: JSON.stringify(input) });
      assert.match(errors + output, /REQUEST_MALFORMED|CONFIG_INVALID/);
      assert.doesNotMatch(errors, /TypeError/);
    }
  }
});
