import type { V1Pod } from '@kubernetes/client-node';
import { encodeAnnotation } from '#shared/core/flyte/secret-request.ts';

const mountRequirements = { ANY: 0, ENV_VAR: 1, FILE: 2 } as const;

/** A secret as a task author asks for it. */
export interface AskedSecret {
  group: string;
  key: string;
  groupVersion?: string;
  mount?: keyof typeof mountRequirements;
  envVar?: string;
}

/** A pod as Flyte makes it: the label, and one annotation per secret. */
export function aTaskPod(namespace: string, name: string, secrets: readonly AskedSecret[]): V1Pod {
  const annotations = secrets.map((secret, position) => [`flyte.secrets/s${position}`, annotationOf(secret)]);
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace,
      labels: { 'inject-flyte-secrets': 'true' },
      annotations: Object.fromEntries(annotations),
    },
    spec: {
      restartPolicy: 'Never',
      automountServiceAccountToken: false,
      containers: [{ name: 'task', image: 'docker.io/library/task:1', args: ['pyflyte-execute'] }],
    },
  };
}

const annotationOf = ({ group, key, groupVersion = '', mount = 'ANY', envVar = '' }: AskedSecret): string =>
  encodeAnnotation({ group, key, groupVersion, envVar, mountRequirement: mountRequirements[mount] });
