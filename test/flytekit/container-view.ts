import type { V1Container, V1KeyToPath, V1Pod, V1Secret, V1Volume } from '@kubernetes/client-node';

/** The Secrets of the pod's namespace, by name. */
export type Secrets = ReadonlyMap<string, V1Secret>;

/** The variables of a container as the kubelet sets them. Throws when one comes from what is not there. */
export function variablesOf(container: V1Container, secrets: Secrets): Record<string, string> {
  const variables = (container.env ?? []).flatMap(({ name, value, valueFrom }) => {
    if (valueFrom === undefined) return [[name, value ?? '']];
    const { name: secretName = '', key = '', optional = false } = valueFrom.secretKeyRef ?? {};
    const found = secretValue(secrets, secretName, key, optional);
    return found === undefined ? [] : [[name, found.toString('utf8')]];
  });
  return Object.fromEntries(variables);
}

/** The files of a container's Secret volumes by path. Throws when one comes from what is not there. */
export function filesOf(pod: V1Pod, container: V1Container, secrets: Secrets): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  for (const { name, mountPath } of container.volumeMounts ?? []) {
    const volume = pod.spec?.volumes?.find((candidate) => candidate.name === name);
    for (const { secretName, items, optional } of sourcesOf(volume)) {
      for (const { key, path } of items) {
        const content = secretValue(secrets, secretName, key, optional);
        if (content !== undefined) files.set(`${mountPath}/${path}`, content);
      }
    }
  }
  return files;
}

interface SecretSource {
  secretName: string;
  items: readonly V1KeyToPath[];
  optional: boolean;
}

function sourcesOf(volume: V1Volume | undefined): SecretSource[] {
  if (volume?.secret !== undefined) {
    const { secretName = '', items = [], optional = false } = volume.secret;
    return [{ secretName, items, optional }];
  }
  return (volume?.projected?.sources ?? []).flatMap(({ secret }) =>
    secret === undefined
      ? []
      : { secretName: secret.name ?? '', items: secret.items ?? [], optional: secret.optional ?? false },
  );
}

function secretValue(secrets: Secrets, name: string, key: string, optional: boolean): Buffer | undefined {
  const value = secrets.get(name)?.data?.[key];
  if (value !== undefined) return Buffer.from(value, 'base64');
  if (optional) return undefined;
  throw new Error(`the pod would not start: the Secret ${name} with key ${key} is not there`);
}
