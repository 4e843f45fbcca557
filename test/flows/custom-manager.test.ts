import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import type { V1Pod } from '@kubernetes/client-node';
import { exitCode } from '#shared/runtime/exit-code.ts';
import { createPod, type PodAnswer, untilAnswered, variablesOf } from '#testkit/installation/create-pod.ts';
import {
  type RunningInstallation,
  selectedLabels,
  startInstallation,
} from '#testkit/installation/running-installation.ts';
import { untilStartedAgain } from '#testkit/installation/until-restarted.ts';
import type { ServicePod } from '#testkit/kubelet/service-pod.ts';
import { type AskedSecret, aTaskPod } from '#testkit/pods/task-pod.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';

/** Managers of the operator's own on a cluster that runs: what docs/recipes.md promises. */
const namespace = 'flytesnacks-development';
const recipes = `${import.meta.dirname}/../../deploy/recipes`;
const csiRecipe = await readFile(`${recipes}/aws-secrets-store-csi.yaml`, 'utf8');
const bankVaultsRecipe = await readFile(`${recipes}/bank-vaults.yaml`, 'utf8');
const confidantRecipe = await readFile(`${recipes}/confidant.yaml`, 'utf8');
const custom = {
  'aws-csi': 'aws-csi.yaml',
  'bank-vaults': 'bank-vaults.yaml',
  confidant: 'confidant.yaml',
};
const chain = ['global', 'k8s', 'aws-csi', 'bank-vaults', 'confidant'];

let installation: RunningInstallation;
let gatewayPids: number[];
let resolver: ServicePod;
before(async () => {
  installation = await startInstallation({
    gateways: 2,
    ownManagers: { 'aws-csi': 'aws', 'bank-vaults': 'aws', confidant: 'aws', team: 'k8s' },
    prepare: ({ createNamespace }) => createNamespace(namespace, selectedLabels),
  });
  gatewayPids = pidsOf(installation);
});
after(() => installation?.stop());

const pidsOf = ({ gateways }: RunningInstallation): number[] => gateways.map(({ pid }) => pid());
const asks = (name: string, ...secrets: AskedSecret[]): V1Pod => aTaskPod(namespace, name, secrets);
const isAdmitted = { what: 'the pod to be admitted', is: ({ admitted }: PodAnswer) => admitted };
const fromCsi: AskedSecret = { group: 'team-aws', key: 'api-token', mount: 'FILE', envVar: 'API_TOKEN' };
const fromVault: AskedSecret = {
  group: 'secret/data/team',
  key: 'db-password',
  mount: 'ENV_VAR',
  groupVersion: '2',
};

/** Upper case is no name of a SecretProviderClass, so that this one is left to the last of the chain. */
const fromConfidant: AskedSecret = { group: 'Billing', key: 'api_token', mount: 'FILE', envVar: 'BILLING' };

/** What the ConfigMap holds beside latchkey.yaml from now on. */
const setRecipes = (csi: string): Promise<void> =>
  installation.cluster.configure(
    { chain, custom },
    { 'aws-csi.yaml': csi, 'bank-vaults.yaml': bankVaultsRecipe, 'confidant.yaml': confidantRecipe },
  );

test('a manager of the operator’s own joins the chain while the gateways run on', async () => {
  const { cluster } = installation;
  const before = await createPod(cluster, asks('too-early', fromCsi), { dryRun: true });
  assert.equal(before.admitted ? 0 : before.code, 404);
  await setRecipes(csiRecipe);
  const started = await Promise.all(
    ['aws-csi', 'bank-vaults', 'confidant'].map((name) => cluster.startService(`resolver-${name}`)),
  );
  for (const service of started) await service.untilReady();
  assert.ok(started[0]);
  [resolver] = started;
  await untilAnswered(cluster, asks('csi', fromCsi), isAdmitted);
  await untilAnswered(cluster, asks('vault', fromVault), isAdmitted);
  await untilAnswered(cluster, asks('confidant', fromConfidant), isAdmitted);
  assert.deepEqual(pidsOf(installation), gatewayPids);
});

test('the API server stores a pod with the CSI volume, once for two secrets of one class', async () => {
  const second = { ...fromCsi, key: 'other', envVar: 'OTHER' };
  const answer = await createPod(installation.cluster, asks('stored-csi', fromCsi, second));
  assert.ok(answer.admitted);
  const { spec } = answer.pod;
  assert.deepEqual(
    spec?.volumes?.map(({ csi }) => [csi?.driver, csi?.readOnly, csi?.volumeAttributes?.secretProviderClass]),
    [['secrets-store.csi.k8s.io', true, 'team-aws']],
  );
  assert.deepEqual(
    spec?.containers[0]?.volumeMounts?.map(({ mountPath, readOnly }) => [mountPath, readOnly]),
    [['/etc/flyte/secrets/team-aws', true]],
  );
  const { API_TOKEN, OTHER } = variablesOf(answer.pod);
  assert.deepEqual(
    [API_TOKEN, OTHER],
    ['/etc/flyte/secrets/team-aws/api-token', '/etc/flyte/secrets/team-aws/other'],
  );
});

test('the API server stores a pod with the references and annotations of bank-vaults', async () => {
  const answer = await createPod(
    installation.cluster,
    asks('stored-vault', fromVault, { ...fromVault, groupVersion: '', envVar: 'DB' }),
  );
  assert.ok(answer.admitted);
  const variables = variablesOf(answer.pod);
  assert.equal(variables['_FSEC_SECRET/DATA/TEAM_2_DB-PASSWORD'], 'vault:secret/data/team#db-password#2');
  assert.equal(variables['_FSEC_SECRET/DATA/TEAM_DB-PASSWORD'], 'vault:secret/data/team#db-password');
  assert.equal(variables.DB, 'vault:secret/data/team#db-password');
  const prefix = 'vault.security.banzaicloud.io/';
  const annotations = Object.keys(answer.pod.metadata?.annotations ?? {}).filter((name) =>
    name.startsWith(prefix),
  );
  assert.deepEqual(
    annotations.sort(),
    ['vault-addr', 'vault-path', 'vault-role'].map((name) => `${prefix}${name}`),
  );
});

test('the API server stores a pod with the container that asks Confidant', async () => {
  const answer = await createPod(installation.cluster, asks('stored-confidant', fromConfidant));
  assert.ok(answer.admitted);
  const { spec } = answer.pod;
  const [container] = spec?.initContainers ?? [];
  assert.equal(container?.name, 'confidant-pull-secret-0');
  assert.deepEqual(
    container?.env?.flatMap(({ name, value }) => (name.startsWith('SECRET_') ? [value] : [])),
    ['Billing', 'api_token', '/etc/flyte/secrets/billing/api_token'],
  );
  assert.equal(variablesOf(answer.pod).BILLING, '/etc/flyte/secrets/billing/api_token');
  assert.deepEqual(
    spec?.containers[0]?.volumeMounts?.map(({ name, mountPath, readOnly }) => [name, mountPath, readOnly]),
    [['confidant-secret-vol', '/etc/flyte/secrets', true]],
  );
});

test('a broken recipe is told with its line and changes nothing; the next good one comes into force by itself', async () => {
  const { cluster } = installation;
  const pid = resolver.pid();
  await setRecipes(csiRecipe.replace('group|lower', 'group|upcase'));
  await waitFor(async () => /aws-csi\.yaml:\d+: .*unknown filter/.test(await resolver.readLog()), {
    timeoutMs: 20_000,
    what: 'the resolver to tell what is wrong',
  });
  const kept = await createPod(cluster, asks('kept', fromCsi), { dryRun: true });
  assert.ok(kept.admitted);
  await setRecipes(csiRecipe.replace('secrets-store.csi.k8s.io', 'other.example.com'));
  const driverOf = (answer: PodAnswer) =>
    answer.admitted ? answer.pod.spec?.volumes?.[0]?.csi?.driver : undefined;
  await untilAnswered(cluster, asks('changed', fromCsi), {
    what: 'the changed recipe to be in force',
    is: (answer) => driverOf(answer) === 'other.example.com',
  });
  assert.equal(resolver.pid(), pid);
  assert.deepEqual(pidsOf(installation), gatewayPids);
});

test('a resolver that begins with a broken recipe says why and ends; what it published stays in force', async () => {
  const { cluster } = installation;
  await setRecipes(csiRecipe.replace('format: path-segment', 'format: word'));
  await waitFor(async () => /aws-csi\.yaml:\d+: fields\.key\.format: /.test(await resolver.readLog()), {
    timeoutMs: 20_000,
    what: 'the resolver to see the broken recipe',
  });
  resolver.signal('SIGKILL');
  assert.equal((await untilStartedAgain(resolver)).signal, 'SIGKILL');
  assert.equal((await resolver.run.process()?.exited)?.code, exitCode.failed);
  const kept = await createPod(cluster, asks('kept-again', fromCsi), { dryRun: true });
  assert.ok(kept.admitted);
  await setRecipes(csiRecipe);
  await resolver.untilReady();
  await untilAnswered(cluster, asks('healed', fromCsi), isAdmitted);
  assert.deepEqual(pidsOf(installation), gatewayPids);
});

const closedRecipe = `
description: team secret "\${group}" with key "\${key}"
inventory: closed
source: k8s
fields:
  group: { required: true, format: dns1123-subdomain }
  key: { required: true, format: secret-key }
mounts: { accepts: [env], any: env }
lookup: ["\${group}/\${key}"]
edits:
  env:
    - env:
        name: TEAM_\${key|upper}
        valueFrom: { secretKeyRef: { name: "\${group}", key: "\${key}", optional: false } }
`;

test('a closed recipe serves what the inventory of its source has, and nothing else', async () => {
  const { cluster } = installation;
  await cluster.kubernetes.core.createNamespacedSecret({
    namespace,
    body: { metadata: { name: 'db' }, stringData: { password: 'p' } },
  });
  await cluster.configure(
    { chain: ['global', 'team', 'k8s'], custom: { team: 'team.yaml' } },
    { 'team.yaml': closedRecipe },
  );
  await cluster.startService('resolver-team');
  const present: AskedSecret = { group: 'db', key: 'password', mount: 'ENV_VAR' };
  const variables = (answer: PodAnswer) => (answer.admitted ? variablesOf(answer.pod) : {});
  await untilAnswered(cluster, asks('present', present), {
    what: 'the pod to be injected by the closed manager',
    is: (answer) => variables(answer).TEAM_PASSWORD === 'db/password',
  });
  await untilAnswered(cluster, asks('absent', { ...present, key: 'other' }), {
    what: 'a secret that nobody has to be told',
    is: (answer) => !answer.admitted && answer.code === 404 && answer.message.includes('team secret "db"'),
  });
  assert.deepEqual(pidsOf(installation), gatewayPids);
});
