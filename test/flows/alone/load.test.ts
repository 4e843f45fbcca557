import assert from 'node:assert/strict';
import { after, before, type TestContext, test } from 'node:test';
import { createSecretTimeline } from '#testkit/faults/secret-timeline.ts';
import {
  createPod,
  filesOf,
  type PodAnswer,
  untilAnswered,
  variablesOf,
} from '#testkit/installation/create-pod.ts';
import { readSamples, sumOf } from '#testkit/installation/read-samples.ts';
import {
  type RunningInstallation,
  selectedLabels,
  startInstallation,
} from '#testkit/installation/running-installation.ts';
import { aTaskPod } from '#testkit/pods/task-pod.ts';

/** The bound of issue 3: an answer fits a state of its Secret within the last 2 s. */
const boundMs = 2_000;
const podCount = 500;
/** So many changes at least, so that Secrets have a history longer than the bound. */
const changeCount = 150;
const clientCount = 8;
/** So many that one of them changes every few seconds: an answer that lags longer than that shows. */
const secretCount = 60;
const allKeys = ['password', 'token', 'ca.crt'];
const namespace = 'load';
const webhook = { name: 'flyte-pod-webhook.flyte.org' };

let installation: RunningInstallation;

before(async () => {
  installation = await startInstallation({ gateways: 2, globals: { 'team/token': 'a-global-value' } });
  await installation.cluster.createNamespace(namespace, selectedLabels);
});
after(() => installation?.stop());

const secrets = Array.from({ length: secretCount }, (_, index) => ({
  name: `secret-${index}`,
  timeline: createSecretTimeline(),
}));

/** The life of a Secret, one step: made, one key less, all keys again, gone. */
async function changeSecret({ name, timeline }: (typeof secrets)[number], step: number): Promise<void> {
  const { core } = installation.cluster.kubernetes;
  const present = timeline.keys();
  if (present.size === allKeys.length && step % 3 === 0) {
    await timeline.change([], () => core.deleteNamespacedSecret({ namespace, name }));
    return;
  }
  const keys = present.size === allKeys.length ? allKeys.filter((_, index) => index !== step % 3) : allKeys;
  const stringData = Object.fromEntries(keys.map((key) => [key, `value-${step}`]));
  const body = { metadata: { name }, stringData };
  await timeline.change(keys, () =>
    present.size === 0
      ? core.createNamespacedSecret({ namespace, body })
      : core.replaceNamespacedSecret({ namespace, name, body }),
  );
}

/** Changes so far: the Secret of change `n` is number `n` modulo their count. */
let changes = 0;

async function changeSecretsUntil(isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    const secret = secrets[changes % secretCount];
    assert.ok(secret !== undefined);
    await changeSecret(secret, changes);
    changes += 1;
  }
}

interface Observation {
  asked: string;
  answer: PodAnswer;
  lagMs: number;
}

/** Creates (not as a dry run) the pods of one client one after the other; each asks for a Secret changed just before. */
async function createPods(client: number): Promise<Observation[]> {
  const observations: Observation[] = [];
  for (let index = client; index < podCount || changes < changeCount; index += clientCount) {
    const secret = secrets[(changes + secretCount - (index % 6)) % secretCount];
    const key = allKeys[index % allKeys.length];
    assert.ok(secret !== undefined && key !== undefined);
    const mount = index % 2 === 0 ? 'FILE' : 'ENV_VAR';
    const pod = aTaskPod(namespace, `pod-${index}`, [{ group: secret.name, key, mount }]);
    const sentMs = performance.now();
    const answer = await createPod(installation.cluster, pod);
    const answeredMs = performance.now();
    const asked = `${secret.name}/${key}`;
    const lagMs = secret.timeline.lagMs({ key, found: answer.admitted, sentMs, answeredMs });
    observations.push({ asked, answer, lagMs });
  }
  return observations;
}

function assertInjectedOrDenied({ asked, answer }: Observation): void {
  if (answer.admitted) {
    const injected = [...Object.values(variablesOf(answer.pod)), ...Object.values(filesOf(answer.pod))];
    assert.ok(injected.includes(asked), `the pod that asked for ${asked} was admitted without it`);
    return;
  }
  assert.equal(answer.code, 404, `${asked}: ${answer.message}`);
  assert.match(answer.message, new RegExp(asked.replaceAll('.', '\\.')));
}

function report(t: TestContext, observations: readonly Observation[]): void {
  const lags = observations.map(({ lagMs }) => lagMs).sort((a, b) => a - b);
  const admitted = observations.filter(({ answer }) => answer.admitted).length;
  const late = lags.filter((lag) => lag > 0).length;
  const longest = Math.round(lags.at(-1) ?? 0);
  t.diagnostic(
    `${admitted} admitted, ${observations.length - admitted} denied, ${changes} changes of ${secretCount} Secrets; ` +
      `${late} answers of an earlier state, the longest ${longest} ms after it had ended`,
  );
}

test('under load every answer fits a state of its Secret within the last 2 s, and none is a 5xx', async (t) => {
  const { cluster } = installation;
  for (const [step, secret] of secrets.entries()) if (step % 2 === 0) await changeSecret(secret, step);
  const last = aTaskPod(namespace, 'last', [{ group: `secret-${secretCount - 2}`, key: 'token' }]);
  await untilAnswered(cluster, last, {
    what: 'the first Secrets to be known',
    is: (answer) => answer.admitted,
  });
  const missing = aTaskPod(namespace, 'missing', [{ group: 'missing', key: 'token' }]);
  for (const _ of installation.gateways) {
    await untilAnswered(cluster, missing, {
      what: 'a gateway that may say what does not exist',
      is: (answer) => !answer.admitted && answer.code === 404,
    });
  }

  let isOver = false;
  const changing = changeSecretsUntil(() => isOver);
  const clients = Array.from({ length: clientCount }, (_, client) => createPods(client));
  const observations = (await Promise.all(clients)).flat();
  isOver = true;
  await changing;

  report(t, observations);
  assert.ok(observations.length >= podCount);
  for (const observation of observations) {
    assertInjectedOrDenied(observation);
    assert.ok(
      observation.lagMs <= boundMs,
      `${observation.asked}: the answer fits no state of the last ${boundMs} ms, but one ${observation.lagMs} ms ago`,
    );
  }
});

test('the API server counted as many denials and admissions as the gateways', async () => {
  const { cluster, gateways } = installation;
  const ours = async () => {
    const scrapes = await Promise.all(
      gateways.map(({ ports }) => fetch(`http://127.0.0.1:${ports.health}/metrics`).then((r) => r.text())),
    );
    return scrapes.flatMap(readSamples);
  };
  const theirs = async () => readSamples(await cluster.kubectl(['get', '--raw', '/metrics']));
  const [own, apiServer] = await Promise.all([ours(), theirs()]);
  const denied = sumOf(own, 'latchkey_admissions_total', { outcome: 'denied' });
  assert.ok(denied > 0);
  assert.equal(sumOf(apiServer, 'apiserver_admission_webhook_rejection_count', webhook), denied);
  const admissions = sumOf(own, 'latchkey_admissions_total');
  assert.equal(sumOf(apiServer, 'apiserver_admission_webhook_request_total', webhook), admissions);
  const errors = { ...webhook, error_type: 'calling_webhook_error' };
  assert.equal(sumOf(apiServer, 'apiserver_admission_webhook_rejection_count', errors), 0);
});
