import { usualConfigurationName } from '#shared/installation/webhook-configuration.ts';
import { webhookServicePort } from '#testkit/cluster/installation.ts';
import { reviewOf, reviewUid } from '#testkit/gateway/ask-gateway.ts';
import { type createPod, untilAnswered } from '#testkit/installation/create-pod.ts';
import { selectedLabels } from '#testkit/installation/running-installation.ts';
import { type AdmissionLoad, type LoadCase, startAdmissionLoad } from '#testkit/load/admission-load.ts';
import { type AskedSecret, aTaskPod } from '#testkit/pods/task-pod.ts';
import { createNamespace } from './create-namespace.ts';
import type { RealCluster } from './real-cluster.ts';

const namespace = 'load';
const perSecond = 40;

/** Pods whose answers are known; `platform/example-token` is a global secret of the installation. */
const askedSecrets: Readonly<Record<string, { secret: AskedSecret; code: number }>> = {
  'k8s-variable': { secret: { group: 'known', key: 'password', mount: 'ENV_VAR' }, code: 200 },
  'k8s-file': { secret: { group: 'known', key: 'password', mount: 'FILE' }, code: 200 },
  'global-file': { secret: { group: 'platform', key: 'example-token', mount: 'FILE' }, code: 200 },
  missing: { secret: { group: 'missing', key: 'password', mount: 'FILE' }, code: 404 },
};

/** Makes the namespace and the Secret of the cases; resolves with them when each is answered as it must be. */
export async function prepareNodeLoad(cluster: RealCluster): Promise<LoadCase[]> {
  const { core } = cluster.kubernetes;
  await createNamespace(cluster, namespace, selectedLabels);
  await core.createNamespacedSecret({
    namespace,
    body: { metadata: { name: 'known' }, stringData: { password: 'a-value' } },
  });
  return Promise.all(
    Object.entries(askedSecrets).map(([name, { secret, code }]) => aCase(cluster, name, secret, code)),
  );
}

async function aCase(
  cluster: RealCluster,
  name: string,
  secret: AskedSecret,
  code: number,
): Promise<LoadCase> {
  const pod = aTaskPod(namespace, `load-${name}`, [secret]);
  const { name: _, ...metadata } = pod.metadata ?? {};
  const is = (answer: Awaited<ReturnType<typeof createPod>>) =>
    (answer.admitted ? 200 : answer.code) === code;
  const answer = await untilAnswered(cluster, pod, { what: `${code} for ${name}`, is });
  return {
    name,
    review: JSON.parse(reviewOf(pod)),
    pod: { ...pod, metadata: { ...metadata, generateName: `load-${name}-` } },
    namespace,
    accept: [answer.admitted ? { code, spec: answer.pod.spec } : { code }],
  };
}

/** The cases where a missing secret may be 503 too: without the bus a gateway cannot know that there is none (docs/runbook.md). */
export const withoutBus = (cases: readonly LoadCase[]): LoadCase[] =>
  cases.map((each) =>
    each.accept.some(({ code }) => code === 404)
      ? { ...each, accept: [...each.accept, { code: 503 }] }
      : each,
  );

/** Creates pods through the API server, not stored, and judges every answer: an error is a failure, whoever made it. */
export const startNodeLoad = (
  { server, authority, token }: RealCluster,
  cases: readonly LoadCase[],
): Promise<AdmissionLoad> =>
  startAdmissionLoad({
    uid: reviewUid,
    // Not called: every request goes through the API server.
    webhook: {
      address: `127.0.0.1:${webhookServicePort}`,
      serverName: 'flyte-pod-webhook.latchkey.svc',
      path: '/mutate--v1-pod',
      timeoutMs: 5_000,
    },
    apiServer: {
      url: server,
      ca: authority,
      token,
      configuration: usualConfigurationName,
      webhook: 'flyte-pod-webhook.flyte.org',
    },
    clients: [{ name: 'API server, dry runs', kind: 'dryRun', perSecond, workers: 8 }],
    cases,
  });
