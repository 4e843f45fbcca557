import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { request } from 'node:https';
import { after, before, test } from 'node:test';
import type { V1Pod } from '@kubernetes/client-node';
import { formatKey } from '#shared/contracts/bus/bucket.ts';
import { untilAnswered } from '#testkit/installation/create-pod.ts';
import {
  type RunningInstallation,
  selectedLabels,
  startInstallation,
} from '#testkit/installation/running-installation.ts';
import type { ServicePod } from '#testkit/kubelet/service-pod.ts';
import { aTaskPod } from '#testkit/pods/task-pod.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import type { ReceivedSpan } from '#testkit/telemetry/otlp-receiver.ts';

const namespace = 'traced';
const secret = 'db';
const timeoutMs = 20_000;
let installation: RunningInstallation;

before(async () => {
  installation = await startInstallation({ gateways: 2 });
  await installation.cluster.createNamespace(namespace, selectedLabels);
});
after(() => installation?.stop());

const spans = (name: string): ReceivedSpan[] =>
  installation.cluster.otlp.spans().filter((span) => span.name === name);
const keyOf = (owner: string): string => formatKey({ owner, kind: 'entry', namespace, secret });
const concerns = ({ attributes }: ReceivedSpan, owner: string): boolean =>
  attributes['latchkey.key'] === keyOf(owner);

/** Waits until the `count`th change of the Secret has been applied by both gateways; returns the spans of its trace. */
async function untilTraced(
  count: number,
): Promise<{ observed: ReceivedSpan; resolved: ReceivedSpan; applied: ReceivedSpan[] }> {
  return waitFor(
    () => {
      const observed = spans('secret observed').filter((span) => concerns(span, 'k8s'))[count - 1];
      if (observed === undefined) return undefined;
      const inTrace = (name: string) => spans(name).filter(({ traceId }) => traceId === observed.traceId);
      const [resolved] = inTrace('resolve rule');
      const applied = inTrace('rules apply');
      return resolved !== undefined && applied.length === 2 ? { observed, resolved, applied } : undefined;
    },
    { timeoutMs, what: `change ${count} of the Secret to be traced to both gateways` },
  );
}

test('each change of a Secret is one trace from the watch to both gateways', async () => {
  const { core } = installation.cluster.kubernetes;
  const body = (stringData: Record<string, string>) => ({ metadata: { name: secret }, stringData });
  const changes = [
    () => core.createNamespacedSecret({ namespace, body: body({ password: 'p' }) }),
    () =>
      core.replaceNamespacedSecret({ namespace, name: secret, body: body({ password: 'p', token: 't' }) }),
    () => core.deleteNamespacedSecret({ namespace, name: secret }),
  ];
  const traces = new Set<string>();
  for (const [index, change] of changes.entries()) {
    await change();
    const { observed, resolved, applied } = await untilTraced(index + 1);
    traces.add(observed.traceId);
    assert.equal(observed.service, 'latchkey-discovery');
    assert.equal(observed.parentSpanId, undefined);
    assert.equal(resolved.service, 'latchkey-resolver');
    assert.equal(resolved.parentSpanId, observed.spanId);
    assert.deepEqual(applied.map(({ instance }) => instance).sort(), ['gateway-0', 'gateway-1']);
    assert.deepEqual(new Set(applied.map(({ parentSpanId }) => parentSpanId)), new Set([resolved.spanId]));
  }
  assert.equal(traces.size, changes.length);
});

const newTrace = (): { traceId: string; traceparent: string } => {
  const traceId = randomBytes(16).toString('hex');
  return { traceId, traceparent: `00-${traceId}-${randomBytes(8).toString('hex')}-01` };
};

/**
 * Dry-runs the creation of a pod with a trace of its own. The API server goes on with a trace that a member of
 * system:masters (as here) or system:monitoring sends, and begins a new one for anybody else (apiserver
 * endpoints/filters/traces.go).
 */
function createTraced(pod: V1Pod, traceparent: string): Promise<number | undefined> {
  const { server, authority, kubernetes } = installation.cluster;
  const headers = {
    traceparent,
    authorization: `Bearer ${kubernetes.config.getCurrentUser()?.token}`,
    'content-type': 'application/json',
  };
  const url = `${server}/api/v1/namespaces/${namespace}/pods?dryRun=All`;
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', ca: authority, headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    sent.on('error', reject);
    sent.end(JSON.stringify(pod));
  });
}

const admissionOf = (traceId: string): Promise<ReceivedSpan> =>
  waitFor(() => spans('admission review').find((span) => span.traceId === traceId), {
    timeoutMs,
    what: 'the span of the admission',
  });

test('an admission continues the trace of the request and links to that of the rule it used', async () => {
  const { cluster } = installation;
  const body = { metadata: { name: secret }, stringData: { password: 'p' } };
  await cluster.kubernetes.core.createNamespacedSecret({ namespace, body });
  const { observed, resolved } = await untilTraced(4);
  const pod = aTaskPod(namespace, 'traced', [{ group: secret, key: 'password' }]);
  await untilAnswered(cluster, pod, { what: 'the pod to be admitted', is: ({ admitted }) => admitted });
  const { traceId, traceparent } = newTrace();
  assert.equal(await createTraced(pod, traceparent), 201);
  const admission = await admissionOf(traceId);
  assert.notEqual(admission.parentSpanId, undefined);
  assert.equal(admission.attributes['latchkey.outcome'], 'injected');
  assert.deepEqual(admission.links, [{ traceId: observed.traceId, spanId: resolved.spanId }]);
});

/** Lines of a gateway's log that tell of an admission. */
async function admissionLines(gateway: ServicePod): Promise<Record<string, unknown>[]> {
  const lines = (await gateway.readLog())
    .split('\n')
    .filter((line) => line.includes('"component":"admission"'));
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

test('the log line of a denial carries the trace', async () => {
  const { traceId, traceparent } = newTrace();
  const pod = aTaskPod(namespace, 'denied', [{ group: secret, key: '../never' }]);
  assert.equal(await createTraced(pod, traceparent), 400);
  const admission = await admissionOf(traceId);
  const lines = (await Promise.all(installation.gateways.map(admissionLines))).flat();
  const line = lines.find(({ trace_id }) => trace_id === traceId);
  assert.equal(line?.span_id, admission.spanId);
  assert.equal(line?.code, 'NAME_IMPOSSIBLE');
});

test('without an endpoint nothing is exported, and nothing complains', async () => {
  const { cluster } = installation;
  await Promise.all(cluster.services().map((service) => service.stop()));
  const sent = cluster.otlp.spans().length;
  // An empty variable counts as absent.
  const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: '' };
  const names = ['cert-manager', 'discovery', 'resolver-global', 'resolver-k8s', 'gateway'];
  const silent = await Promise.all(
    names.map((name) => cluster.startService(name, { replica: 5, environment })),
  );
  for (const service of silent) await service.untilReady();
  await cluster.kubernetes.core.deleteNamespacedSecret({ namespace, name: secret });
  await untilAnswered(cluster, aTaskPod(namespace, 'gone', [{ group: secret, key: 'password' }]), {
    what: 'the pod to be denied',
    is: (answer) => !answer.admitted && answer.code === 404,
  });
  const exits = await Promise.all(silent.map((service) => service.stop()));
  assert.deepEqual(new Set(exits.map(({ code }) => code)), new Set([0]));
  for (const service of silent) {
    assert.doesNotMatch(await service.readLog(), /otlp|telemetry|"level":"(?:error|fatal)"/i);
  }
  assert.equal(cluster.otlp.spans().length, sent);
});
