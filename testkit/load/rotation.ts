import { type KubernetesObject, PatchStrategy } from '@kubernetes/client-node';
import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import {
  caRotationStateSchema,
  caStateAnnotation,
  leafRotationStateSchema,
  leafStateAnnotation,
  rotateAnnotation,
} from '#shared/contracts/kubernetes/rotation-state.ts';
import type { Cluster } from '#testkit/cluster/cluster.ts';
import { installationNamespace } from '#testkit/cluster/manifests.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';

const { tls } = latchkeyConfigSchema.parse({});
const timeoutMs = 120_000;
const intervalMs = 100;

export type RotationKind = 'leaf' | 'ca';

/** Waits of a CA rotation that make many of them measurable; in an installation they are minutes and a day. */
export const shortWaits = { trustWaitSeconds: 1, connectionWaitSeconds: 1, overlapHours: 0 };

interface Progress {
  handled: string | undefined;
  done: boolean;
  refused: string | undefined;
  state: unknown;
}

function leafProgress(text: string): Progress {
  const state = leafRotationStateSchema.parse(JSON.parse(text));
  return { handled: state.handled, done: state.served, refused: state.refused?.reason, state };
}

function caProgress(text: string): Progress {
  const state = caRotationStateSchema.parse(JSON.parse(text));
  return { handled: state.handled, done: state.phase === 'stable', refused: state.refused?.reason, state };
}

const targets = {
  leaf: { secret: tls.servingSecretName, annotation: leafStateAnnotation, read: leafProgress },
  ca: { secret: tls.caSecretName, annotation: caStateAnnotation, read: caProgress },
} as const;

/**
 * Asks for a rotation as the command line does, and waits until it is over: every gateway serves the new leaf, or the
 * old CA is trusted no more. Returns how long that took, ms. Throws when it was refused.
 */
export async function rotate(cluster: Cluster, kind: RotationKind, id: string): Promise<number> {
  const { secret, annotation, read } = targets[kind];
  const startedMs = performance.now();
  await annotate(cluster, secret, id);
  const isOver = async (): Promise<boolean> => {
    const { metadata } = await readSecret(cluster, secret);
    const { handled, done, refused, state } = read(metadata?.annotations?.[annotation] ?? '{}');
    if (handled === id && done) return true;
    throw new Error(refused ?? JSON.stringify(state));
  };
  await waitFor(isOver, { timeoutMs, intervalMs, what: `the rotation ${id} of the ${kind} to be over` });
  return performance.now() - startedMs;
}

export const readSecret = ({ harness }: Cluster, name: string) =>
  harness.core.readNamespacedSecret({ namespace: installationNamespace, name });

async function annotate({ harness }: Cluster, secret: string, id: string): Promise<void> {
  const patch: KubernetesObject = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: secret, namespace: installationNamespace, annotations: { [rotateAnnotation]: id } },
  };
  await harness.objects.patch(patch, undefined, undefined, undefined, undefined, PatchStrategy.MergePatch);
}
