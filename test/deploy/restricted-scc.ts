import type { V1Container, V1PodSpec } from '@kubernetes/client-node';

// OpenShift's SCC restricted-v2, as its manifest in openshift/cluster-kube-apiserver-operator states it
// (bindata/bootkube/scc-manifests).

/** A user id from the range of the namespace. */
const assignedUser = 1_000_680_000;
const allowedVolumes = new Set([
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'persistentVolumeClaim',
  'projected',
  'secret',
]);

/** Lists what the SCC refuses. */
export function sccFaults(spec: V1PodSpec): string[] {
  const { securityContext = {}, volumes = [], hostNetwork, hostPID, hostIPC } = spec;
  const kinds = volumes.flatMap(({ name: _, ...source }) => Object.keys(source));
  const { fsGroup, runAsUser, supplementalGroups } = securityContext;
  return [
    ...kinds.filter((kind) => !allowedVolumes.has(kind)).map((kind) => `volume ${kind}`),
    ...(hostNetwork || hostPID || hostIPC ? ['host namespace'] : []),
    ...(isForeign(fsGroup) ? ['fsGroup'] : []),
    ...(isForeign(runAsUser) ? ['runAsUser'] : []),
    ...((supplementalGroups ?? []).some(isForeign) ? ['supplementalGroups'] : []),
    ...(isDefaultProfile(securityContext.seccompProfile?.type) ? [] : ['seccompProfile']),
    ...containersOf(spec).flatMap((container) =>
      containerFaults(container).map((fault) => `${container.name}: ${fault}`),
    ),
  ];
}

const containersOf = ({ initContainers = [], containers }: V1PodSpec): V1Container[] => [
  ...initContainers,
  ...containers,
];

const isForeign = (id: number | undefined): boolean => id !== undefined && id !== assignedUser;
const isDefaultProfile = (type: string | undefined): boolean =>
  type === undefined || type === 'RuntimeDefault';

function containerFaults({ securityContext = {}, ports = [] }: V1Container): string[] {
  const { allowPrivilegeEscalation, capabilities, privileged, runAsUser, seccompProfile } = securityContext;
  const added = (capabilities?.add ?? []).filter((name) => name !== 'NET_BIND_SERVICE');
  return [
    ...(privileged === true ? ['privileged'] : []),
    ...(allowPrivilegeEscalation === true ? ['allowPrivilegeEscalation'] : []),
    ...(added.length > 0 ? ['capabilities'] : []),
    ...(isForeign(runAsUser) ? ['runAsUser'] : []),
    ...(isDefaultProfile(seccompProfile?.type) ? [] : ['seccompProfile']),
    ...(ports.some(({ hostPort }) => hostPort !== undefined) ? ['hostPort'] : []),
  ];
}

/** Returns the pod as the SCC leaves it: every container has a user, no capability and the default profile. */
export function assignScc(spec: V1PodSpec): V1PodSpec {
  const assign = (container: V1Container): V1Container => ({
    ...container,
    securityContext: {
      runAsUser: assignedUser,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      ...container.securityContext,
    },
  });
  const { initContainers, containers, securityContext } = spec;
  return {
    ...spec,
    ...(initContainers === undefined ? {} : { initContainers: initContainers.map(assign) }),
    containers: containers.map(assign),
    securityContext: {
      fsGroup: assignedUser,
      seLinuxOptions: { level: 's0:c26,c15' },
      seccompProfile: { type: 'RuntimeDefault' },
      ...securityContext,
    },
  };
}
