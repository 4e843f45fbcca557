import type { BusLink } from '#shared/bus/link/bus.ts';
import { createDigestSet, recipeDigest } from '#shared/bus/records/digest.ts';
import { formatHeaders } from '#shared/bus/records/record.ts';
import { formatKey, rulesBucket, subjectOf } from '#shared/contracts/bus/bucket.ts';
import { k8sManager } from '#shared/managers/shipped/k8s.ts';
import { defaultConfig } from '#testkit/installation/default-config.ts';

export const owner = 'k8s';
const namespaces = 200;
/** Records that are sent before the server is heard. */
const atOnce = 500;

/** The namespace, the Secret and the keys of an entry. */
export function ruleAt(index: number, keys = ['password', 'username']) {
  const [namespace, secret] = [`team-${index % namespaces}`, `database-credentials-${index}`];
  return { namespace, secret, lookupKeys: keys.map((key) => `${secret}/${key}`) };
}

const bytesOf = (body: unknown): Uint8Array => Buffer.from(JSON.stringify(body));

function entryRecord(index: number, keys?: string[]): [string, Uint8Array] {
  const { namespace, secret, lookupKeys } = ruleAt(index, keys);
  const items = Object.fromEntries(lookupKeys.map((key) => [key, {}]));
  return [formatKey({ owner, kind: 'entry', namespace, secret }), bytesOf({ schema: 1, items })];
}

function* setOf(entries: number): Generator<[string, Uint8Array]> {
  yield [formatKey({ owner, kind: 'recipe' }), bytesOf(k8sManager.recipe(defaultConfig))];
  for (let index = 0; index < namespaces; index += 1) {
    const { namespace } = ruleAt(index);
    yield [formatKey({ owner, kind: 'namespace', namespace }), bytesOf({ schema: 1, namespace })];
  }
  for (let index = 0; index < entries; index += 1) yield entryRecord(index);
}

/** Stores a set of rules as a publisher would, and changes it. */
export function createRuleStore({ js, nc }: BusLink) {
  const digests = createDigestSet();
  let seq = 1;
  let recipe = '';
  const stamp = () => formatHeaders({ epoch: 1, seq, publisher: 'bench', deleted: false, trace: {} });
  const put = async (key: string, bytes: Uint8Array): Promise<void> => {
    await js.publish(subjectOf(rulesBucket, key), bytes, { headers: stamp(), timeout: 60_000 });
  };
  const putManifest = (): Promise<void> => {
    const summary = { count: digests.count, digest: digests.digest(), recipeDigest: recipe };
    const body = { schema: 1, epoch: 1, seq, ...summary, complete: true };
    return put(formatKey({ owner, kind: 'manifest' }), bytesOf(body));
  };
  return {
    async fill(entries: number): Promise<void> {
      let sent = 0;
      for (const [key, bytes] of setOf(entries)) {
        if (key.endsWith('.recipe')) recipe = recipeDigest(bytes);
        digests.set(key, bytes);
        nc.publish(subjectOf(rulesBucket, key), bytes, { headers: stamp() });
        sent += 1;
        if (sent % atOnce === 0) await nc.flush();
      }
      // The server answers it once it has stored what was sent before.
      await putManifest();
    },
    /** Gives an entry one more key; returns its lookup key. */
    async change(index: number): Promise<string> {
      seq += 1;
      const added = `added-${seq}`;
      const [key, bytes] = entryRecord(index, ['password', 'username', added]);
      digests.set(key, bytes);
      await put(key, bytes);
      await putManifest();
      return `${ruleAt(index).secret}/${added}`;
    },
  };
}
