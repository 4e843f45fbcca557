import type { V1Pod } from '@kubernetes/client-node';
import { askGateway, reviewOf } from '#testkit/gateway/ask-gateway.ts';
import { createPod } from '#testkit/installation/create-pod.ts';
import { type RunningInstallation, selectedLabels } from '#testkit/installation/running-installation.ts';
import { type AskedSecret, aTaskPod } from '#testkit/pods/task-pod.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import type { AcceptedAnswer, LoadCase } from './admission-load.ts';

export const loadNamespace = 'load';
export const loadGlobals = { 'team/token': 'a-global-value' };
const knowTimeoutMs = 30_000;

/** Pods whose answers are known: two that get a Kubernetes secret, one a global one, and one whose secret is missing. */
const askedSecrets: Record<string, { secret: AskedSecret; code: number }> = {
  'k8s-variable': { secret: { group: 'known', key: 'password', mount: 'ENV_VAR' }, code: 200 },
  'k8s-file': { secret: { group: 'known', key: 'password', mount: 'FILE' }, code: 200 },
  'global-file': { secret: { group: 'team', key: 'token', mount: 'FILE' }, code: 200 },
  missing: { secret: { group: 'missing', key: 'password', mount: 'FILE' }, code: 404 },
};

/** Makes the namespace and the Secret of the cases, and waits until every gateway answers alike and as it must. */
export async function prepareKnownCases(installation: RunningInstallation): Promise<LoadCase[]> {
  const { cluster } = installation;
  await cluster.createNamespace(loadNamespace, selectedLabels);
  await createKnownSecret(installation, 'known');
  return Promise.all(
    Object.entries(askedSecrets).map(([name, { secret, code }]) => aCase(installation, name, secret, code)),
  );
}

export const createKnownSecret = ({ cluster }: RunningInstallation, name: string) =>
  cluster.harness.core.createNamespacedSecret({
    namespace: loadNamespace,
    body: { metadata: { name }, stringData: { password: 'a-value' } },
  });

/** A case of one pod: what every gateway says by now is what it must go on saying, once that has the wanted code. */
export async function aCase(
  installation: RunningInstallation,
  name: string,
  secret: AskedSecret,
  code: number,
): Promise<LoadCase> {
  const pod = aTaskPod(loadNamespace, `load-${name}`, [secret]);
  const accept = await agreedAnswer(installation, pod, code);
  const { name: _, ...metadata } = pod.metadata ?? {};
  return {
    name,
    review: JSON.parse(reviewOf(pod)),
    pod: { ...pod, metadata: { ...metadata, generateName: `load-${name}-` } },
    namespace: loadNamespace,
    accept: [accept],
  };
}

/** What all gateways and the API server say about the pod, once they agree on something with this code. */
export async function agreedAnswer(
  installation: RunningInstallation,
  pod: V1Pod,
  code: number,
): Promise<AcceptedAnswer> {
  const { cluster } = installation;
  const agreed = async (): Promise<AcceptedAnswer> => {
    const gateways = cluster.services().filter((service) => service.name.startsWith('gateway-'));
    const answers = await Promise.all(
      gateways.map(async ({ ports }) => readAnswer(await askGateway(installation, ports.webhook, pod))),
    );
    const different = new Set(answers.map((answer) => JSON.stringify(answer)));
    const [answer] = answers;
    if (different.size !== 1 || answer?.code !== code) throw new Error([...different].join('; '));
    if (code !== 200) return answer;
    const created = await createPod(cluster, pod, { dryRun: true });
    if (!created.admitted) throw new Error(created.message);
    return { ...answer, spec: created.pod.spec };
  };
  return waitFor(agreed, {
    timeoutMs: knowTimeoutMs,
    what: `every gateway to say ${code} about ${pod.metadata?.name}`,
  });
}

function readAnswer(body: string): AcceptedAnswer {
  const { response } = JSON.parse(body) as {
    response: { allowed: boolean; patch?: string; status?: { code: number } };
  };
  if (!response.allowed) return { code: response.status?.code ?? 0 };
  if (response.patch === undefined) throw new Error('admitted, and nothing injected');
  return { code: 200, patch: response.patch };
}
