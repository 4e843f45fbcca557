import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { clusterMount } from './node-folder.ts';

/** As many as deploy/nats/cluster has servers. */
const volumeCount = 3;
const numbers = Array.from({ length: volumeCount }, (_, index) => `${index}`);

/** Makes the folders of the volumes in the folder of the cluster; any user of a pod may write there. */
export async function createVolumeFolders(folder: string): Promise<void> {
  for (const number of numbers) {
    const path = join(folder, 'volumes', number);
    await mkdir(path, { recursive: true });
    await chmod(path, 0o777);
  }
}

/** The PersistentVolumes, which stand for what a storage class provides: every node sees the same folders. */
export const clusterVolumes = () => ({
  apiVersion: 'v1',
  kind: 'List',
  items: numbers.map((number) => ({
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: `volume-${number}` },
    spec: {
      capacity: { storage: '1Gi' },
      accessModes: ['ReadWriteOnce'],
      persistentVolumeReclaimPolicy: 'Retain',
      hostPath: { path: `${clusterMount}/volumes/${number}` },
    },
  })),
});
