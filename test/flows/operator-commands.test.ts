import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { V1Job } from '@kubernetes/client-node';
import { generateRsaKeys, issueCaCertificate } from '#shared/certificates/issue-certificate.ts';
import { type Cluster, startCluster } from '#testkit/cluster/cluster.ts';
import { kubeconfigOf } from '#testkit/cluster/kubernetes-client.ts';
import {
  findManifest,
  installationNamespace as namespace,
  parseManifests,
} from '#testkit/cluster/manifests.ts';
import { runLatchkey } from '#testkit/processes/run-latchkey.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';

let cluster: Cluster;
before(async () => {
  // Each phase lasts for longer than the second between two looks of the command.
  const rotation = { trustWaitSeconds: 2, connectionWaitSeconds: 2, overlapHours: 0 };
  cluster = await startCluster({ config: { tls: { rotation } } });
});
after(() => cluster?.stop());

const [caName, servingName, configurationName] = ['latchkey-ca', 'flyte-pod-webhook-secret', '0-latchkey'];

/** Runs a command as an operator does, with the kubeconfig of `admin`. */
const run = (...args: string[]) => runLatchkey(args, { environment: { KUBECONFIG: cluster.kubeconfigFile } });

async function readPairs(): Promise<Record<string, string>[]> {
  const { core } = cluster.harness;
  const secrets = [caName, servingName].map((name) => core.readNamespacedSecret({ namespace, name }));
  return (await Promise.all(secrets)).map(({ data = {} }) => data);
}

/** What init-certs did to each object, as it says with `--json`. */
const actions = (text: string): string[] => JSON.parse(text).map(({ action }: { action: string }) => action);

async function removeCertificates(): Promise<void> {
  const { core, admissionRegistration } = cluster.harness;
  for (const name of [caName, servingName]) await core.deleteNamespacedSecret({ namespace, name });
  await admissionRegistration.deleteMutatingWebhookConfiguration({ name: configurationName });
}

test('init-certs makes the certificates of a bare cluster, once', async () => {
  const first = await run('init-certs', '--json');
  assert.equal(first.code, 0, first.errors);
  assert.deepEqual(actions(first.output), ['created', 'created', 'created']);
  const pairs = await readPairs();
  assert.deepEqual(actions((await run('init-certs', '--json')).output), ['kept', 'kept', 'kept']);
  assert.deepEqual(await readPairs(), pairs);
  assert.match((await run('init-certs')).output, /^Secret latchkey-ca: kept, valid until 20/);
});

test('init-certs keeps what a rotation is distributing, the next CA first', async () => {
  const [authority] = await readPairs();
  const next = issueCaCertificate(await generateRsaKeys(2048), Date.now(), 86_400_000);
  const issuing = Buffer.from(authority?.['tls.crt'] ?? '', 'base64').toString();
  const bundle = Buffer.from(next.certificate + issuing).toString('base64');
  const replaced = JSON.stringify([
    { op: 'replace', path: '/webhooks/0/clientConfig/caBundle', value: bundle },
  ]);
  await cluster.kubectl([
    ...['patch', 'mutatingwebhookconfiguration', configurationName, '--type=json', '-p', replaced],
  ]);
  await cluster.kubectl([
    ...['patch', 'secret', caName, '-n', namespace, '--type=merge'],
    ...['-p', JSON.stringify({ data: { 'ca.crt': bundle } })],
  ]);
  assert.deepEqual(actions((await run('init-certs', '--json')).output), ['kept', 'kept', 'kept']);
});

test('init-certs overwrites what cannot be used with --force only', async () => {
  const [authority] = await readPairs();
  await cluster.kubectl([
    ...['patch', 'secret', servingName, '-n', namespace, '--type=merge'],
    ...['-p', JSON.stringify({ data: { 'tls.key': authority?.['tls.key'] } })],
  ]);
  const broken = await readPairs();
  const refused = await run('init-certs');
  assert.equal(refused.code, 1);
  assert.match(refused.errors, /CERTIFICATE_INVALID.*flyte-pod-webhook-secret.*does not belong.*--force/);
  assert.deepEqual(await readPairs(), broken);
  assert.match((await run('init-certs', '--force')).output, /flyte-pod-webhook-secret: replaced/);
  assert.equal((await run('init-certs')).code, 0);
});

test('the Job of deploy/variants makes them with its own few rights, and fits the restricted level', async () => {
  const variant = join(import.meta.dirname, '../../deploy/variants/init-certs-job.yaml');
  await cluster.kubectl(['apply', '-f', variant]);
  await removeCertificates();
  await cluster.kubectl(['apply', '-f', join(import.meta.dirname, '../../deploy/certificate-secrets.yaml')]);
  const objects = parseManifests(await readFile(variant, 'utf8'));
  const template = objects.find((object): object is V1Job => object.kind === 'Job')?.spec?.template;
  assert.ok(template?.spec);
  const { core } = cluster.kubernetes;
  const pod = {
    metadata: { name: 'init-certs', labels: template.metadata?.labels ?? {} },
    spec: template.spec,
  };
  await core.createNamespacedPod({ namespace, dryRun: 'All', body: pod });

  const [flag, program, ...args] = template.spec.containers[0]?.args ?? [];
  assert.match(`${flag} ${program}`, /^--max-old-space-size=\d+ cli\/main\.ts$/);
  const config = join(cluster.folder, 'job-latchkey.yaml');
  const { data } = findManifest(cluster.manifests, 'ConfigMap', 'latchkey-config');
  await writeFile(config, data?.['latchkey.yaml'] ?? '');
  const inJob = await runLatchkey(
    args.map((arg) => (arg === '/etc/latchkey/config/latchkey.yaml' ? config : arg)),
    { environment: { KUBECONFIG: await kubeconfigOfAccount('init-certs'), POD_NAMESPACE: namespace } },
  );
  assert.equal(inJob.code, 0, inJob.errors);
  assert.match(inJob.output, /^(.*: created.*\n){3}$/);
});

test('cert-manager takes over what init-certs made, as it is', async () => {
  const pairs = await readPairs();
  const certManager = await cluster.startService('cert-manager');
  await certManager.untilReady();
  assert.deepEqual(await readPairs(), pairs);
});

test('status is healthy once every service is ready, and tells what is wrong', async () => {
  const early = await run('status');
  assert.equal(early.code, 1);
  assert.match(early.output, /^needs attention.*\n(.*\n)*! services: discovery does not run\n/);
  const services = ['discovery', 'resolver-global', 'resolver-k8s', 'gateway'];
  const started = await Promise.all(services.map((name) => cluster.startService(name)));
  await Promise.all(started.map((pod) => pod.untilReady()));
  const isHealthy = async (): Promise<boolean> => (await run('status')).code === 0;
  await waitFor(isHealthy, { timeoutMs: 20_000, what: 'a healthy status' });

  await pause('tonight');
  const paused = await run('status', '--json');
  assert.equal(paused.code, 1);
  const { verdict, findings } = JSON.parse(paused.output);
  assert.equal(verdict, 'attention');
  const webhook = findings.find(({ about }: { about: string }) => about === 'webhook');
  assert.match(webhook.problems[0].message, /reconciliation is paused \("tonight"\)/);
  await pause(null);
  await waitFor(isHealthy, { timeoutMs: 20_000, what: 'a healthy status' });
});

test('status goes on where it may not look, and does not call that healthy', async () => {
  const environment = { KUBECONFIG: await kubeconfigOfAccount('gateway') };
  const { code, output } = await runLatchkey(['status'], { environment });
  assert.equal(code, 4);
  assert.match(
    output,
    /^healthy as far as visible.*\n(\? .*\n)*\? CA: you may not get secrets latchkey-ca\n/,
  );
  const nowhere = await runLatchkey(['status', '--kubeconfig', '/nowhere'], {});
  assert.match(
    nowhere.errors,
    /^latchkey status: CONFIG_INVALID: the kubeconfig file \/nowhere cannot be read: ENOENT/,
  );
});

test('rotate makes a new leaf and waits until the gateway serves it', async () => {
  const [, before] = await readPairs();
  const { code, output, errors } = await run('rotate', '--leaf', '--wait', '--timeout', '1m');
  assert.equal(code, 0, output + errors);
  assert.match(
    output,
    /^requested a new serving certificate .*\n(.*\n)*done: every gateway serves the new leaf\n$/,
  );
  const [authority, leaf] = await readPairs();
  assert.notEqual(leaf?.['tls.crt'], before?.['tls.crt']);
  assert.equal(leaf?.['ca.crt'], authority?.['tls.crt']);
});

test('rotate takes a new CA through every phase, and the old one is trusted no more', async () => {
  const [before] = await readPairs();
  const { code, output } = await run('rotate', '--ca', '--wait', '--json', '--timeout', '1m');
  assert.equal(code, 0, output);
  const facts = output
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  const phases = new Set(facts.map(({ phase, outcome }) => phase ?? outcome));
  for (const phase of ['distributing', 'retiring', 'done']) assert.ok(phases.has(phase), output);
  // The serving Secret follows the CA Secret, which says that it is done.
  const isTrustedNoMore = async (): Promise<boolean> => {
    const [authority, leaf] = await readPairs();
    assert.notEqual(authority?.['tls.crt'], before?.['tls.crt']);
    const bundles = [authority?.['ca.crt'], leaf?.['ca.crt']];
    assert.deepEqual(bundles, [authority?.['tls.crt'], authority?.['tls.crt']]);
    return (await run('status')).code === 0;
  };
  await waitFor(isTrustedNoMore, { timeoutMs: 20_000, what: 'the new CA alone, and a healthy status' });
});

test('Ctrl-C ends the watching, and the rotation that goes on is followed instead of starting another', async () => {
  const program = spawn(process.execPath, ['cli/main.ts', 'rotate', '--ca', '--wait'], {
    cwd: join(import.meta.dirname, '../..'),
    env: { ...process.env, KUBECONFIG: cluster.kubeconfigFile },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(program, 'exit');
  let shown = '';
  for await (const piece of program.stdout) {
    shown += piece;
    if (!program.killed && shown.includes(' distributing')) program.kill('SIGINT');
  }
  assert.deepEqual(await exited, [130, null]);
  assert.match(shown, /no longer followed; the rotation continues/);
  const another = await run('rotate', '--ca');
  assert.equal(another.code, 1);
  assert.match(another.output, /^nothing was started: a rotation is in progress/);
  const followed = await run('rotate', '--ca', '--wait', '--timeout', '1m');
  assert.match(followed.output, /^a rotation is in progress, following it .*\n(.*\n)*done: /);
  assert.equal(followed.code, 0);
});

test('a rotation that cannot be carried out is refused with the reason', async () => {
  await pause('tonight');
  // Else it may start what is requested on a webhook configuration that it has read before.
  await waitFor(async () => /latchkey\.dev\/paused/.test(await readinessOfCertManager()), {
    timeoutMs: 20_000,
    what: 'cert-manager to know of the pause',
  });
  const { code, output } = await run('rotate', '--ca', '--wait', '--timeout', '1m');
  assert.equal(code, 1);
  assert.match(output, /refused by cert-manager: .*latchkey\.dev\/paused/);
  await pause(null);
});

async function readinessOfCertManager(): Promise<string> {
  const pod = cluster.services().find(({ name }) => name.startsWith('cert-manager-'));
  return (await fetch(`http://127.0.0.1:${pod?.ports.health}/readyz`)).text();
}

const pause = (value: string | null) =>
  cluster.kubectl([
    ...['patch', 'mutatingwebhookconfiguration', configurationName, '--type=merge'],
    ...['-p', JSON.stringify({ metadata: { annotations: { 'latchkey.dev/paused': value } } })],
  ]);

async function kubeconfigOfAccount(name: string): Promise<string> {
  const { status } = await cluster.harness.core.createNamespacedServiceAccountToken({
    namespace,
    name,
    body: { spec: { audiences: [], expirationSeconds: 3600 } },
  });
  const { server, authority } = cluster;
  const file = join(cluster.folder, `kubeconfig-${name}`);
  await writeFile(
    file,
    JSON.stringify(kubeconfigOf({ server, authority, user: name, token: status?.token ?? '' })),
  );
  return file;
}
