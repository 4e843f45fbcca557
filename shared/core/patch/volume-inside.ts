import { member } from '#shared/core/text/json-object.ts';
import type { PlannedVolume } from './planned-volume.ts';
import type { Mount, NamedObject } from './pod.ts';

/**
 * Who makes the folder of a mount that lies inside another one: the kubelet before it writes the files (`prepared`), the
 * container runtime, which needs it writable (`writable`), or nobody, so that the container never starts (`closed`).
 * docs/reference/kube-apiserver.md C46.
 */
export type Inside = 'prepared' | 'writable' | 'closed';

/** Volumes that the kubelet fills, read only and with the folders of the mounts inside. */
const filledKinds = ['configMap', 'secret', 'downwardAPI', 'projected'];

/** Volumes that may be read only whatever their mount says; `image` always is. */
const readOnlyKinds = [
  'persistentVolumeClaim',
  'csi',
  'nfs',
  'iscsi',
  'fc',
  'cephfs',
  'rbd',
  'cinder',
  'glusterfs',
  'quobyte',
  'storageos',
  'scaleIO',
  'flexVolume',
  'portworxVolume',
  'photonPersistentDisk',
  'azureDisk',
  'azureFile',
  'gcePersistentDisk',
  'awsElasticBlockStore',
];

const fileTypes = ['File', 'FileOrCreate', 'Socket', 'CharDevice', 'BlockDevice'];

/** What a mount of the user's is for the mounts inside it. */
export function insideOf(mount: Mount, volume: NamedObject | undefined): Inside {
  if (mount.isDevice) return 'closed';
  // Of a part of a volume the kubelet does not know where it is mounted, and makes no folder there.
  if (isFilled(volume)) return hasSubPath(mount) ? 'closed' : 'prepared';
  const readOnly =
    mount.readOnly === true ||
    has(volume, 'image') ||
    readOnlyKinds.some((kind) => member(member(volume, kind), 'readOnly') === true);
  return readOnly ? 'closed' : 'writable';
}

/** What a mount of ours can be for the mounts inside it: its own `readOnly` is given up for them. */
export function insideOfOurs(volume: PlannedVolume): Inside {
  if ('secrets' in volume) return 'prepared';
  return 'csi' in volume && volume.csi.readOnly === true ? 'closed' : 'writable';
}

/** Whether the mount is of a file, as far as the pod tells: a folder is no place for it. */
export function isOfFile(mount: Mount, volume: NamedObject | undefined): boolean {
  if (mount.isDevice) return true;
  if (isFilled(volume)) return hasSubPath(mount);
  const type = member(member(volume, 'hostPath'), 'type');
  return fileTypes.some((known) => known === type);
}

const isFilled = (volume: NamedObject | undefined): boolean => filledKinds.some((kind) => has(volume, kind));

const has = (volume: NamedObject | undefined, kind: string): boolean =>
  (member(volume, kind) ?? undefined) !== undefined;

const hasSubPath = ({ subPath, subPathExpr }: Mount): boolean =>
  [subPath, subPathExpr].some((path) => typeof path === 'string' && path !== '');
