import assert from 'node:assert/strict';
import { mkdtemp, readFile, realpath } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { parse } from 'yaml';
import { buildImage } from '#testkit/images/build-image.ts';
import { type ContainerEngine, startContainerEngine } from '#testkit/images/container-engine.ts';
import { writeImages } from '#testkit/images/image.ts';
import { aTaskPod } from '#testkit/pods/task-pod.ts';
import { type ProcessGuard, startProcessGuard } from '#testkit/processes/process-guard.ts';
import { runProgram } from '#testkit/processes/run-program.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { type ComposePrograms, composePrograms } from './compose-images.ts';
import { printedSpans } from './printed-spans.ts';

const root = resolve(import.meta.dirname, '../..');
const namespace = 'flytesnacks-development';
const { services } = parse(await readFile(join(root, 'docker-compose.yml'), 'utf8'), { merge: true }) as {
  services: Record<string, { image: string }>;
};
const names = Object.fromEntries(Object.entries(services).map(([service, { image }]) => [service, image]));

let guard: ProcessGuard;
let engine: ContainerEngine;
let programs: ComposePrograms;
before(async () => {
  const folder = await mkdtemp(join(await realpath(tmpdir()), 'latchkey-compose-proof-'));
  guard = startProcessGuard(folder);
  const latchkey = await buildImage();
  programs = await composePrograms(names, join(folder, 'images'));
  engine = await startContainerEngine({ folder: join(folder, 'engine'), network: 'own' }, guard);
  await writeImages(programs.images, join(folder, 'images.tar'));
  for (const file of [latchkey.file, join(folder, 'images.tar')])
    await engine.docker(['load', '--quiet', '--input', file]);
  await engine.docker(['tag', latchkey.name, names.gateway ?? '']);
});
after(async () => {
  await engine?.stop();
  await guard?.close();
});

const compose = (args: readonly string[], input = ''): Promise<string> =>
  runProgram(programs.compose, args, { env: engine.env, folder: root, input });
const kubectl = (args: readonly string[], object?: object): Promise<string> =>
  compose(
    ['run', '--rm', '--no-TTY', 'kubectl', '--namespace', namespace, ...args],
    object === undefined ? '' : JSON.stringify(object),
  );
const seconds = (sinceMs: number): string => `${((performance.now() - sinceMs) / 1_000).toFixed(1)} s`;

test('every service comes up', async (t) => {
  const begunMs = performance.now();
  await compose(['up', '--detach', '--wait', '--no-build']);
  t.diagnostic(`up --wait: ${seconds(begunMs)}`);
});

test('a pod is denied whose secret does not exist, and admitted with those that do', async () => {
  const missing = aTaskPod(namespace, 'denied', [{ group: 'nowhere', key: 'password' }]);
  await assert.rejects(kubectl(['create', '--filename=-'], missing), /nowhere/);
  const metadata = { name: 'db-creds', namespace };
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata, stringData: { password: 'pa55' } };
  await kubectl(['create', '--filename=-'], secret);
  const pod = aTaskPod(namespace, 'admitted', [
    { group: 'db-creds', key: 'password', mount: 'FILE' },
    { group: 'platform', key: 'example-token', mount: 'ENV_VAR' },
  ]);
  const created = await waitFor(() => kubectl(['create', '--filename=-', '--output=json'], pod), {
    timeoutMs: 60_000,
    what: 'the pod to be admitted',
  });
  assert.match(created, /"_FSEC_PLATFORM_EXAMPLE-TOKEN"/);
  assert.match(created, /\/etc\/flyte\/secrets/);
});

test('an admission is one trace of the API server and the gateway, which reaches the last collector', async () => {
  const services = await waitFor(
    async () => {
      const spans = printedSpans(await compose(['logs', '--no-color', '--no-log-prefix', 'jaeger']));
      const admission = spans.find(
        ({ service, name }) => service === 'latchkey-gateway' && name === 'admission review',
      );
      const trace = spans.filter(({ traceId }) => traceId === admission?.traceId);
      const found = new Set(trace.map(({ service }) => service));
      return found.has('apiserver') ? [...found] : undefined;
    },
    { timeoutMs: 60_000, what: 'a trace of the API server and the gateway' },
  );
  assert.ok(services.includes('latchkey-gateway'));
});

test('every program ends by itself when it is told to, and nothing is left', async (t) => {
  const begunMs = performance.now();
  await compose(['stop']);
  t.diagnostic(`stop: ${seconds(begunMs)}`);
  const ended = await engine.docker([
    'ps',
    '--all',
    '--format',
    '{{.Label "com.docker.compose.service"}} {{.Status}}',
  ]);
  // The file names SIGKILL as the signal of kube-apiserver alone.
  const killed = ended
    .split('\n')
    .filter((line) => line.includes('(137)') && !line.startsWith('kube-apiserver'));
  assert.deepEqual(killed, []);
  await compose(['up', '--detach', '--wait', '--no-build']);
  const downMs = performance.now();
  await compose(['down', '--volumes']);
  t.diagnostic(`down: ${seconds(downMs)}`);
  assert.equal(await engine.docker(['ps', '--all', '--quiet']), '');
  assert.equal(await engine.docker(['volume', 'ls', '--quiet']), '');
});
