import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import type { TestContext } from 'node:test';
import { memoryLimitMib, podTemplate } from '#testkit/cluster/manifests.ts';
import type { ServicePod } from '#testkit/kubelet/service-pod.ts';
import type { FaultRun } from './fault-run.ts';

/** Most memory that a pod has had so far, and may have, MiB. */
async function memoryOf(
  run: FaultRun,
  pod: ServicePod,
): Promise<{ name: string; peakMib: number; limitMib: number }> {
  const status = await readFile(`/proc/${pod.pid()}/status`, 'utf8');
  return {
    name: pod.name,
    peakMib: Math.round(Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1_024),
    limitMib: memoryLimitMib(podTemplate(run.cluster.manifests, pod.name.replace(/-\d+$/, '')).container),
  };
}

/** Nothing has ended, nothing was ever above the limit of its manifest, and what others change arrives. */
export async function podMemoryGoesOn(run: FaultRun, pids: readonly number[], t: TestContext): Promise<void> {
  await run.takesChanges();
  const memory = await Promise.all(run.cluster.services().map((pod) => memoryOf(run, pod)));
  t.diagnostic(
    memory.map(({ name, peakMib, limitMib }) => `${name} ${peakMib} of ${limitMib} MiB`).join(', '),
  );
  assert.deepEqual(
    run.cluster.services().map((pod) => pod.pid()),
    pids,
  );
  for (const { name, peakMib, limitMib } of memory) assert.ok(peakMib < limitMib, name);
}
