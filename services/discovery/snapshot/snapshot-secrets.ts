import { isDeepStrictEqual } from 'node:util';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import {
  rulesSnapshotAnnotation,
  type SnapshotSummary,
  snapshotSecretName,
  snapshotSecretNames,
  snapshotShardName,
} from '#shared/contracts/kubernetes/rules-snapshot.ts';
import { readSecret, replaceSecret } from '#shared/kubernetes/objects/secrets.ts';
import type { Kubernetes } from '#shared/kubernetes/requests/connect-kubernetes.ts';
import type { Secret } from '#shared/kubernetes/requests/kubernetes-object.ts';

/** Describes what the Secrets are to hold. */
export interface StoredSnapshot {
  shards: readonly Uint8Array[];
  summary: SnapshotSummary;
}

/** Reads and writes the Secrets of the snapshot, which the manifests have made in one namespace. */
interface SnapshotSecrets {
  /** Reads the shards that they hold, by name. */
  read(): Promise<Map<string, Uint8Array>>;
  /**
   * Makes them hold the snapshot, and nothing else; what holds it already is not written.
   * @returns the number of writes
   * @throws SNAPSHOT_UNUSABLE when one is gone, after the others were written; the errors of `replaceSecret` when one has
   *   changed meanwhile
   */
  write(snapshot: StoredSnapshot): Promise<number>;
}

/** Creates the access to the named Secrets. Uses (get, update) of them. */
export function createSnapshotSecrets(kubernetes: Kubernetes, namespace: string): SnapshotSecrets {
  const read = (name: string): Promise<Secret | undefined> =>
    readSecret(kubernetes, namespace, name).catch((err: unknown) => {
      if (err instanceof LatchkeyError && err.code === 'KUBERNETES_NOT_FOUND') return undefined;
      throw err;
    });
  return {
    read: async () => {
      const secrets = await Promise.all(snapshotSecretNames.map(read));
      const data = secrets.flatMap((secret) => Object.entries(secret?.data ?? {}));
      return new Map(data.map(([name, value]) => [name, Buffer.from(value, 'base64')]));
    },
    write: async (snapshot) => {
      const gone: string[] = [];
      let writes = 0;
      // The first shard is written last, so that a first snapshot does not exist before it is complete.
      for (const [index, name] of [...snapshotSecretNames.entries()].toReversed()) {
        const secret = await read(name);
        const changed = secret && planShard(secret, index, snapshot);
        if (secret === undefined) gone.push(name);
        if (changed === undefined) continue;
        await replaceSecret(kubernetes, changed);
        writes += 1;
      }
      if (gone.length > 0) throw goneError(gone, namespace);
      return writes;
    },
  };
}

type ReplacedSecret = Secret & { metadata: { resourceVersion: string } };

/** Plans the Secret of a shard as it should be; undefined when it is. */
export function planShard(
  secret: Secret,
  index: number,
  { shards, summary }: StoredSnapshot,
): ReplacedSecret | undefined {
  const shard = shards[index];
  const name = snapshotShardName(index);
  const data = shard === undefined ? {} : { [name]: Buffer.from(shard).toString('base64') };
  const { [rulesSnapshotAnnotation]: _, ...others } = secret.metadata.annotations ?? {};
  const annotations =
    index === 0 ? { ...others, [rulesSnapshotAnnotation]: JSON.stringify(summary) } : others;
  const isSame =
    isDeepStrictEqual(secret.data ?? {}, data) &&
    isDeepStrictEqual(secret.metadata.annotations ?? {}, annotations);
  if (isSame) return undefined;
  const { resourceVersion = '' } = secret.metadata;
  return { ...secret, data, metadata: { ...secret.metadata, resourceVersion, annotations } };
}

const goneError = (names: readonly string[], namespace: string): LatchkeyError =>
  new LatchkeyError(
    'SNAPSHOT_UNUSABLE',
    `the Secrets ${names.join(', ')} in namespace ${namespace} are gone, and discovery may not create them: apply deploy/rules-snapshot.yaml again`,
    { fields: { namespace, gone: names.length, first: names[0] ?? snapshotSecretName(0) } },
  );
