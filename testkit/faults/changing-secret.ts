import { ApiException } from '@kubernetes/client-node';
import type { Cluster } from '#testkit/cluster/cluster.ts';
import { aTaskPod } from '#testkit/pods/task-pod.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import type { ProbedSecret } from './prober.ts';
import { createSecretTimeline } from './secret-timeline.ts';

const key = 'password';
/** A Secret whose state every probe knows has been like this since before the first one. */
const done = () => Promise.resolve();

/** A Secret of Kubernetes that a test creates and deletes while its pod is probed. */
export interface ChangingSecret extends ProbedSecret {
  create(): Promise<void>;
  /** Takes the key away that the pod asks for, or gives it back; the Secret stays. */
  setKey(present: boolean): Promise<void>;
  delete(): Promise<void>;
}

/** A global secret that is there all the time, injected from its copy. */
export async function stableGlobal(namespace: string, group: string, name: string): Promise<ProbedSecret> {
  const timeline = createSecretTimeline();
  await timeline.change([name], done);
  return {
    name: `global-${group}`,
    key: name,
    timeline,
    pod: aTaskPod(namespace, `asks-global-${group}`, [{ group, key: name, mount: 'FILE' }]),
    expectedReference: /^latchkey-global-[0-9a-f]/,
  };
}

/** A Kubernetes secret, absent until it is created; every change is repeated until the API server has taken it. */
export function kubernetesSecret(cluster: Cluster, namespace: string, name: string): ChangingSecret {
  const { core } = cluster.kubernetes;
  const timeline = createSecretTimeline();
  const bodyWith = (keys: readonly string[]) => ({
    metadata: { name },
    stringData: Object.fromEntries(keys.map((each) => [each, 'value'])),
  });
  const keysWith = (present: boolean) => (present ? [key, 'other'] : ['other']);
  return {
    name,
    key,
    timeline,
    pod: aTaskPod(namespace, `asks-${name}`, [{ group: name, key, mount: 'ENV_VAR' }]),
    expectedReference: new RegExp(`^${name}/${key}$`),
    create: () =>
      timeline.change(keysWith(true), () =>
        untilTaken(`create ${name}`, 409, () =>
          core.createNamespacedSecret({ namespace, body: bodyWith(keysWith(true)) }),
        ),
      ),
    setKey: (present) =>
      timeline.change(keysWith(present), () =>
        untilTaken(`change ${name}`, 0, () =>
          core.replaceNamespacedSecret({ namespace, name, body: bodyWith(keysWith(present)) }),
        ),
      ),
    delete: () =>
      timeline.change([], () =>
        untilTaken(`delete ${name}`, 404, () => core.deleteNamespacedSecret({ namespace, name })),
      ),
  };
}

/** Repeats a change while the API server is away; the code says that an earlier try was taken without an answer. */
async function untilTaken(what: string, takenCode: number, send: () => Promise<unknown>): Promise<void> {
  const attempt = async (): Promise<boolean> => {
    try {
      await send();
      return true;
    } catch (err) {
      if (err instanceof ApiException && err.code === takenCode) return true;
      throw err;
    }
  };
  await waitFor(attempt, { timeoutMs: 30_000, what: `the API server to ${what}` });
}
