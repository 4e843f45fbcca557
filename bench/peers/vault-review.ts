import type { PodReview } from '#bench/core/generated-review.ts';
import { decodeAnnotation } from '#shared/core/flyte/secret-request.ts';

const flyteAnnotation = 'flyte.secrets/s';
const vaultAnnotation = 'vault.hashicorp.com/agent-inject';
const tokenPath = '/var/run/secrets/kubernetes.io/serviceaccount';

interface Container {
  name: string;
  volumeMounts?: { name: string; mountPath: string; readOnly?: boolean }[];
}

/** The same review for Vault's injector: as many secrets, of the same names, asked for by its annotations. */
export function vaultReview(review: string): string {
  const asked: PodReview = JSON.parse(review);
  const { metadata, spec } = asked.request.object;
  const entries = Object.entries(metadata.annotations).flatMap(([name, value]) => {
    if (!name.startsWith(flyteAnnotation)) return [[name, value]];
    const { group, key } = decodeAnnotation(name, value);
    return [
      [`${vaultAnnotation}-secret-${name.slice(flyteAnnotation.length)}`, `secret/data/${group}/${key}`],
    ];
  });
  metadata.annotations = {
    ...Object.fromEntries(entries),
    [vaultAnnotation]: 'true',
    'vault.hashicorp.com/role': 'flyte',
  };
  mountToken(spec.containers);
  return JSON.stringify(asked);
}

/** Its agent logs in with the ServiceAccount's token, and it refuses a pod that mounts none. */
function mountToken(containers: readonly Container[]): void {
  const [first] = containers;
  const isMounted = containers.some(({ volumeMounts = [] }) =>
    volumeMounts.some(({ mountPath }) => mountPath === tokenPath),
  );
  if (first === undefined || isMounted) return;
  first.volumeMounts = [
    ...(first.volumeMounts ?? []),
    { name: 'kube-api-access', mountPath: tokenPath, readOnly: true },
  ];
}
