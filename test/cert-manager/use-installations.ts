import { after, before } from 'node:test';
import { type Cluster, startCluster } from '#testkit/cluster/cluster.ts';
import { anInstallation, type Installation } from './an-installation.ts';

/** The cluster of a test file, and the installations in it. */
export interface Installations {
  cluster(): Cluster;
  all(): readonly Installation[];
  /** Adds an installation, without starting its cert-manager. */
  add(name: string, webhook?: object, tls?: object): Promise<Installation>;
  /** Adds an installation and starts its cert-manager. */
  start(name: string, webhook?: object, tls?: object): Promise<Installation>;
  /** Adds an installation, starts its cert-manager, and waits until that is ready. */
  startReady(name: string, webhook?: object, tls?: object): Promise<Installation>;
}

/** Starts a cluster before the tests of a file, and stops it and every cert-manager in it after them. */
export function useInstallations(): Installations {
  let cluster: Cluster | undefined;
  const installations: Installation[] = [];
  before(async () => {
    cluster = await startCluster();
  });
  after(async () => {
    await Promise.all(installations.map((installation) => installation.stop()));
    await cluster?.stop();
  });

  const current = (): Cluster => {
    if (cluster === undefined) throw new Error('the cluster has not started yet');
    return cluster;
  };
  const add: Installations['add'] = async (name, webhook, tls) => {
    const installation = await anInstallation(current(), name, webhook, tls);
    installations.push(installation);
    return installation;
  };
  const start: Installations['start'] = async (name, webhook, tls) => {
    const installation = await add(name, webhook, tls);
    await installation.start();
    return installation;
  };
  return {
    cluster: current,
    all: () => installations,
    add,
    start,
    startReady: async (name, webhook, tls) => {
      const installation = await start(name, webhook, tls);
      await installation.becomesReady();
      return installation;
    },
  };
}
