import { setTimeout as delay } from 'node:timers/promises';
import { restart } from '#testkit/installation/until-restarted.ts';
import type { ServicePod } from '#testkit/kubelet/service-pod.ts';
import { loadNamespace } from '#testkit/load/known-cases.ts';
import type { LoadInstallation } from '#testkit/load/load-installation.ts';
import { rotate } from '#testkit/load/rotation.ts';
import type { Random } from '#testkit/properties/random.ts';

/** Something that happens to an installation from time to time, over when it resolves. */
export interface Disturbance {
  name: string;
  happen(random: Random): Promise<unknown>;
}

/** What comes and goes at once in one wave of Secrets. */
const secretsInWave = 40;
/** How long the bus is away, at most. */
const mostAwayMs = 15_000;
/** How long a service stands still, at most. */
const mostStillMs = 5_000;

/** Services that are ended. */
const restarted = ['cert-manager', 'resolver-k8s'];
/** Stands still only, as it is watched for leaks. Discovery would end itself: it would miss the deadline of its Lease. */
const paused = 'resolver-global';

/** Lists what can happen: churn of Secrets, rotations, and faults after which nobody has to do anything. */
export function disturbancesOf(installation: LoadInstallation): Disturbance[] {
  const { cluster } = installation;
  const { nats } = cluster;
  let rotations = 0;
  const podOf = (service: string): ServicePod => {
    const pod = cluster.services().find(({ name }) => name === service || name.startsWith(`${service}-`));
    if (pod === undefined) throw new Error(`no pod of ${service} runs`);
    return pod;
  };
  const rotation = (kind: 'leaf' | 'ca'): Disturbance => ({
    name: `rotation of the ${kind}`,
    happen: () => rotate(cluster, kind, `soak-${rotations++}`),
  });
  return [
    { name: 'wave of Secrets', happen: () => wave(installation) },
    rotation('leaf'),
    rotation('ca'),
    ...restarted.map((service) => ({
      name: `${service} ended`,
      happen: ({ pick }: Random) => restart(podOf(service), pick(['SIGTERM', 'SIGKILL'] as const)),
    })),
    {
      name: `${paused} standing still`,
      happen: async ({ upTo }) => {
        const pod = podOf(paused);
        pod.signal('SIGSTOP');
        await delay(upTo(mostStillMs));
        pod.signal('SIGCONT');
      },
    },
    {
      name: 'bus away',
      happen: async ({ upTo }) => {
        await nats.kill9();
        await delay(upTo(mostAwayMs));
        await nats.start();
      },
    },
  ];
}

/** Creates Secrets that nobody asks for, changes them, and deletes them. */
async function wave({ cluster }: LoadInstallation): Promise<void> {
  const { core } = cluster.harness;
  const names = Array.from({ length: secretsInWave }, (_, index) => `wave-${index}`);
  const body = (name: string, key: string) => ({ metadata: { name }, stringData: { [key]: 'a-value' } });
  const namespace = loadNamespace;
  for (const name of names) await core.createNamespacedSecret({ namespace, body: body(name, 'first') });
  for (const name of names)
    await core.replaceNamespacedSecret({ namespace, name, body: body(name, 'second') });
  for (const name of names) await core.deleteNamespacedSecret({ namespace, name });
}
