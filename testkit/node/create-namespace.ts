import { waitFor } from '#testkit/processes/wait-for.ts';
import type { RealCluster } from './real-cluster.ts';

const timeoutMs = 60_000;

/** Creates a namespace; resolves when the controllers have given it what a pod needs: its default ServiceAccount. */
export async function createNamespace(
  { kubernetes: { core } }: Pick<RealCluster, 'kubernetes'>,
  name: string,
  labels: Record<string, string>,
): Promise<void> {
  await core.createNamespace({ body: { metadata: { name, labels } } });
  await waitFor(() => core.readNamespacedServiceAccount({ namespace: name, name: 'default' }), {
    timeoutMs,
    what: `the default ServiceAccount of ${name}`,
  });
}
