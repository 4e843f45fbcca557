import assert from 'node:assert/strict';
import { sumOf } from '#testkit/installation/read-samples.ts';
import type { ServicePod } from '#testkit/kubelet/service-pod.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import type { Prober } from './prober.ts';
import { metricsOf } from './rule-ages.ts';

/** Finds the gateway that the API server asks most: it keeps its connections. */
export async function busiestGateway(gateways: readonly ServicePod[], prober: Prober): Promise<ServicePod> {
  const count = () =>
    Promise.all(gateways.map(async (each) => sumOf(await metricsOf(each), 'latchkey_admissions_total')));
  const before = await count();
  await prober.observe(3);
  // Metrics are as of a moment up to a second ago.
  const asked = await waitFor(
    async () => {
      const grown = (await count()).map((after, index) => after - (before[index] ?? 0));
      return Math.max(...grown) > 0 ? grown : undefined;
    },
    { timeoutMs: 5_000, what: 'a gateway that is asked' },
  );
  const busiest = gateways[asked.indexOf(Math.max(...asked))];
  assert.ok(busiest !== undefined && Math.max(...asked) > 0);
  return busiest;
}
