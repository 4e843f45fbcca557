import { startInstallation } from '#testkit/installation/running-installation.ts';
import { aTaskPod } from '#testkit/pods/task-pod.ts';
import { demoGlobal, type Stage } from './stage.ts';

/** Starts etcd, kube-apiserver, nats-server and the services as processes of this machine. */
export async function startLocalStage(): Promise<Stage> {
  const { group, key, value } = demoGlobal;
  const { cluster, gateways, stop } = await startInstallation({ globals: { [`${group}/${key}`]: value } });
  return {
    cluster,
    createNamespace: cluster.createNamespace,
    aTask: aTaskPod,
    scaleGateways: async (count) => {
      for (let replica = gateways.length; replica < count; replica += 1) {
        gateways.push(await cluster.startService('gateway', { replica }));
      }
      await Promise.all(gateways.map((gateway) => gateway.untilReady()));
      return gateways.map(({ ports }) => ports.webhook);
    },
    killBus: cluster.nats.kill9,
    startBus: cluster.nats.start,
    stop,
  };
}
