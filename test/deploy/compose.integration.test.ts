import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { access, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { passwordVariables } from '#deploy/nats/credentials.ts';
import { parseLatchkeyConfig } from '#shared/config/latchkey-file.ts';
import { parseProcessConfig, processVariables } from '#shared/config/process-config.ts';
import { serviceProblems } from '#shared/managers/chain/chain-problems.ts';
import { type BareCluster, startBareCluster } from '#testkit/cluster/bare-cluster.ts';
import { startGuardedProcess } from '#testkit/processes/guarded-process.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { pinnedPrograms } from '#tools/pinned-programs.ts';

// Holds docker-compose.yml against the code, and runs its programs; test/compose/compose-proof.ts runs the file.
const root = join(import.meta.dirname, '../..');
const run = promisify(execFile);

interface ComposeService {
  image: string;
  command?: string[];
  entrypoint?: string[];
  environment?: Record<string, string>;
  volumes?: string[];
  healthcheck?: { test: string[] };
  depends_on?: Record<string, { condition: string }> | string[];
}
const compose = parse(await readFile(join(root, 'docker-compose.yml'), 'utf8'), { merge: true }) as {
  services: Record<string, ComposeService>;
};
/** The file that Node runs, after options of its own. */
const programOf = ({ command = [] }: ComposeService): string =>
  command.find((argument) => !argument.startsWith('-')) ?? '';
const own = Object.entries(compose.services).filter(([, service]) =>
  programOf(service).startsWith('services/'),
);
const natsUsers = passwordVariables(await readFile(join(root, 'deploy/nats/nats.conf'), 'utf8'));
const serviceNamed = (name: string): ComposeService => {
  const service = compose.services[name];
  assert.ok(service, `docker-compose.yml has no service ${name}`);
  return service;
};

let cluster: BareCluster;
let folder: string;
before(async () => {
  cluster = await startBareCluster();
  folder = await mkdtemp(join(tmpdir(), 'latchkey-compose-'));
});
after(async () => {
  await cluster?.stop();
  await rm(folder, { recursive: true, force: true });
});

test('every service of a default installation runs, with a program that exists', async () => {
  const variants = await readdir(join(root, 'deploy/variants'));
  const users = [...natsUsers.keys()].filter((user) => !variants.includes(`${user}.yaml`));
  assert.deepEqual(own.map(([name]) => name).sort(), users.sort());
  for (const [, service] of own) await access(join(root, programOf(service)));
});

test('every variable is one that the services read, and together they are valid', () => {
  for (const [name, { environment = {} }] of own) {
    const unknown = Object.keys(environment).filter((variable) => !processVariables.includes(variable));
    assert.deepEqual(unknown, [], name);
    const config = parseProcessConfig(environment);
    assert.equal(config.NATS_CREDENTIALS, `/run/latchkey/nats/${name}`);
    assert.equal(config.KUBECONFIG !== undefined, ['cert-manager', 'discovery'].includes(name), name);
  }
});

test('health checks ask the port that the services listen on, and NATS its monitoring port', async () => {
  for (const [name, { environment, healthcheck }] of own) {
    const url = `http://localhost:${parseProcessConfig(environment ?? {}).HEALTH_PORT}/readyz`;
    assert.ok(healthcheck?.test.join(' ').includes(url), name);
  }
  const natsConfiguration = await readFile(join(root, 'deploy/nats/nats.conf'), 'utf8');
  const [, monitoringPort] = /^http: (\d+)$/m.exec(natsConfiguration) ?? [];
  assert.ok(
    serviceNamed('nats').healthcheck?.test.join(' ').includes(`http://localhost:${monitoringPort}/healthz`),
  );
});

test('addresses name services of the file, with the ports that these listen on', async () => {
  const configuration = await readFile(join(root, 'deploy/compose/latchkey.yaml'), 'utf8');
  const { webhook } = parseLatchkeyConfig(configuration, 'deploy/compose/latchkey.yaml', serviceProblems);
  const gateway = parseProcessConfig(serviceNamed('gateway').environment ?? {});
  assert.equal(new URL(webhook.url ?? '').host, `gateway:${gateway.WEBHOOK_PORT}`);
  assert.equal(gateway.NATS_URL, 'nats://nats:4222');
  assert.match(await readFile(join(root, 'deploy/nats/nats.conf'), 'utf8'), /^port: 4222$/m);
  const collector = parse(await readFile(join(root, 'deploy/compose/otel-collector.yaml'), 'utf8'));
  assert.equal(collector.receivers.otlp.protocols.http.endpoint, '0.0.0.0:4318');
  assert.equal(gateway.OTEL_EXPORTER_OTLP_ENDPOINT, 'http://otel-collector:4318');
});

test('every mounted file and every dependency exists', async () => {
  for (const [name, { volumes = [], depends_on: dependencies = {} }] of Object.entries(compose.services)) {
    for (const source of volumes.map((volume) => volume.split(':')[0] ?? '')) {
      if (source.startsWith('./')) await access(join(root, source));
    }
    const names = Array.isArray(dependencies) ? dependencies : Object.keys(dependencies);
    for (const dependency of names) assert.ok(compose.services[dependency], `${name} needs ${dependency}`);
  }
});

test('the API server is of the version that the tests run against', () => {
  const pinned = pinnedPrograms.find(({ name }) => name === 'kube-apiserver');
  for (const name of ['kube-apiserver', 'install', 'kubectl']) {
    assert.equal(serviceNamed(name).image.split(':')[1], pinned?.version, name);
  }
});

test('NATS is of the version that the tests run against, in Compose and in the manifests', async () => {
  const pinned = pinnedPrograms.find(({ name }) => name === 'nats-server');
  const image = `docker.io/library/nats:${pinned?.version.slice(1)}-alpine`;
  assert.equal(serviceNamed('nats').image, image);
  assert.ok((await readFile(join(root, 'deploy/nats/nats.yaml'), 'utf8')).includes(`image: ${image}\n`));
});

test('the program of the service `credentials` makes a login for every service that runs, once', async () => {
  const program = join(root, serviceNamed('credentials').command?.[0] ?? '');
  await run(process.execPath, [program, folder]);
  const environment = await readFile(join(folder, 'nats/environment'), 'utf8');
  const logins = await readdir(join(folder, 'nats'), { withFileTypes: true });
  assert.deepEqual(
    logins.flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])).sort(),
    own.map(([name]) => name).sort(),
  );
  // As the container of NATS reads it, into variables for each of which nats.conf needs a value.
  const shell = await run('/bin/sh', ['-c', `set -a && . ${join(folder, 'nats/environment')} && env`]);
  const read = new Map(shell.stdout.split('\n').map((line) => line.split(/=(.*)/s) as [string, string]));
  for (const [user, variable] of natsUsers) {
    if (!own.some(([name]) => name === user)) {
      assert.match(read.get(variable) ?? '', /^\$2a\$04\$[./A-Za-z0-9]{53}$/, user);
      continue;
    }
    assert.equal(await readFile(join(folder, 'nats', user, 'username'), 'utf8'), user);
    assert.equal(read.get(variable), await readFile(join(folder, 'nats', user, 'password'), 'utf8'));
  }
  assert.match(
    await readFile(join(folder, 'kubernetes/tokens.csv'), 'utf8'),
    /,system:serviceaccount:latchkey:discovery,/,
  );
  await run(process.execPath, [program, folder]);
  assert.equal(await readFile(join(folder, 'nats/environment'), 'utf8'), environment);
});

test('the program of the service `api-server-ready` ends when the API server is ready', async () => {
  const program = join(root, serviceNamed('api-server-ready').command?.[0] ?? '');
  await run(process.execPath, [program, `${cluster.server}/readyz`], { timeout: 20_000 });
});

test('the program of the service `secret-mount` keeps a Secret’s files in a folder', async () => {
  const program = join(root, serviceNamed('secret-mount').command?.[0] ?? '');
  const authority = join(folder, 'authority.crt');
  await writeFile(authority, cluster.authority);
  const kubeconfig = JSON.parse(await readFile(cluster.kubeconfigFile, 'utf8'));
  kubeconfig.clusters[0].cluster = {
    server: cluster.server,

    'certificate-authority': authority,
  };
  await writeFile(join(folder, 'admin'), JSON.stringify(kubeconfig));
  const mount = join(folder, 'tls');
  const mounting = await startGuardedProcess(
    {
      name: 'secret-mount',
      command: process.execPath,
      args: [program, join(folder, 'admin'), 'default', 'serving', mount],
      env: {},
      folder,
      logFolder: cluster.logFolder,
    },
    cluster.guard,
  );
  const { core } = cluster.kubernetes;
  const shows = (text: string) =>
    waitFor(async () => (await readFile(join(mount, 'tls.crt'), 'utf8')) === text, {
      timeoutMs: 20_000,
      what: `${text} in tls.crt`,
    });
  const serving = (text: string) => ({ metadata: { name: 'serving' }, stringData: { 'tls.crt': text } });
  // Empty at first, as deploy/certificate-secrets.yaml creates it.
  await core.createNamespacedSecret({ namespace: 'default', body: { metadata: { name: 'serving' } } });
  await waitFor(async () => (await mounting.readLog()).includes('mounted default/serving'), {
    timeoutMs: 20_000,
    what: 'the empty Secret to be mounted',
  });
  await core.replaceNamespacedSecret({ namespace: 'default', name: 'serving', body: serving('one') });
  await shows('one');
  await core.replaceNamespacedSecret({ namespace: 'default', name: 'serving', body: serving('two') });
  await shows('two');
  await mounting.stop('SIGKILL');
});
