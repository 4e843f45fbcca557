import { connect } from '@nats-io/transport-node';
import { type Heartbeat, heartbeatSubjects } from '#shared/contracts/bus/heartbeat.ts';
import type { Cluster } from '#testkit/cluster/cluster.ts';
import { installationNamespace } from '#testkit/cluster/manifests.ts';
import type { ServicePod } from '#testkit/kubelet/service-pod.ts';
import { unlimitedUser } from '#testkit/nats/nats-server.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';

const timeoutMs = 45_000;

/** Sees which of a service's pods acts: by the Lease, or for a resolver by the epoch in its heartbeats. */
export interface ActingPods {
  /** The pod that acts; throws while none that runs does. */
  actingPod(service: string): Promise<ServicePod>;
  /** Waits until another pod than this one acts. */
  untilSucceeded(service: string, before: ServicePod): Promise<ServicePod>;
  /** Waits until a pod says that it stands by. */
  untilStandby(pod: ServicePod): Promise<void>;
  /** Waits for so many heartbeats of each of a manager's pods; resolves with the epochs that they name. */
  epochsOf(manager: string, heartbeats: number): Promise<Set<number>>;
  stop(): Promise<void>;
}

export async function watchActingPods(cluster: Cluster): Promise<ActingPods> {
  const { nats } = cluster;
  const nc = await connect({
    servers: nats.url,
    user: unlimitedUser,
    pass: nats.passwords[unlimitedUser] ?? '',
    maxReconnectAttempts: -1,
  });
  const heard: Heartbeat[] = [];
  nc.subscribe(heartbeatSubjects('resolver'), {
    callback: (_err, message) => void heard.push(message.json<Heartbeat>()),
  });
  await nc.flush();

  const holderUid = async (service: string): Promise<string | undefined> => {
    const manager = /^resolver-(.+)$/.exec(service)?.[1];
    if (manager !== undefined) {
      return heard.findLast((heartbeat) => heartbeat.manager === manager && heartbeat.epoch !== undefined)
        ?.uid;
    }
    return leaseHolder(cluster, service);
  };
  const actingPod = async (service: string): Promise<ServicePod> => {
    const uid = await holderUid(service);
    const pod = cluster.services().find((candidate) => candidate.uid === uid);
    if (pod === undefined) throw new Error(`no running pod of ${service} acts; the last one was ${uid}`);
    return pod;
  };

  return {
    actingPod,
    untilSucceeded: (service, before) =>
      waitFor(
        async () => {
          const pod = await actingPod(service);
          return pod.uid === before.uid ? undefined : pod;
        },
        { timeoutMs, what: `another pod of ${service} to act`, intervalMs: 250 },
      ),
    untilStandby,
    epochsOf: async (manager, heartbeats) => {
      const from = heard.length;
      const own = () => heard.slice(from).filter((heartbeat) => heartbeat.manager === manager);
      const pods = cluster.services().filter(({ name }) => name.startsWith(`resolver-${manager}-`));
      await waitFor(
        () =>
          pods.every(({ uid }) => own().filter((heartbeat) => heartbeat.uid === uid).length >= heartbeats),
        { timeoutMs, what: `${heartbeats} heartbeats of each resolver of ${manager}` },
      );
      return new Set(own().flatMap(({ epoch }) => epoch ?? []));
    },
    stop: () => nc.close(),
  };
}

/** Reads the uid of the pod that holds a service's Lease. */
async function leaseHolder(cluster: Cluster, service: string): Promise<string | undefined> {
  const output = ['-o', 'jsonpath={.spec.holderIdentity}'];
  const lease = ['get', 'lease', `latchkey-${service}`, '-n', installationNamespace, ...output];
  return (await cluster.kubectl(lease)).split('_')[1];
}

async function untilStandby({ name, ports }: ServicePod): Promise<void> {
  const isStandby = async (): Promise<boolean> => {
    const response = await fetch(`http://127.0.0.1:${ports.health}/readyz`);
    const { ready, remarks } = (await response.json()) as { ready: boolean; remarks: string[] };
    if (ready && remarks.some((remark) => remark.startsWith('standby: '))) return true;
    throw new Error(JSON.stringify({ ready, remarks }));
  };
  await waitFor(isStandby, { timeoutMs, what: `${name} to stand by`, intervalMs: 250 });
}
