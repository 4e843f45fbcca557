import { escapeKeyToken, unescapeKeyToken } from './key-token.ts';

/**
 * The two JetStream KV buckets and the keys in them. discovery creates both.
 * In each bucket an owner (a source in the inventory, a manager in the rules) holds one prefix:
 * `<owner>.manifest`, `<owner>.recipe`, `<owner>.namespace.<namespace>`, `<owner>.entry.<namespace|_>.<secret>`.
 */
export const inventoryBucket = 'latchkey_inventory';
/** Written by resolvers, read by every gateway. */
export const rulesBucket = 'latchkey_rules';

/** The backing stream of a KV bucket (NATS ADR-8). */
export const streamOf = (bucket: string): string => `KV_${bucket}`;
/** The subject of a key of a KV bucket (NATS ADR-8). */
export const subjectOf = (bucket: string, key: string): string => `$KV.${bucket}.${key}`;

/** Headers of every record but the manifest, which has both in its body. A delete carries them too. */
export const epochHeader = 'Latchkey-Epoch';
export const sequenceHeader = 'Latchkey-Seq';
/**
 * Bounds epoch and seq: a publisher takes the next number, which has to be one that its readers can read. More is nobody's:
 * the record counts as one without a version, and is written again.
 */
export const maxVersionNumber = 2 ** 40;

/** What a key says, taken apart. `namespace` is undefined for a record that holds in every namespace. */
export type RecordKey =
  | { owner: string; kind: 'manifest' }
  | { owner: string; kind: 'recipe' }
  | { owner: string; kind: 'namespace'; namespace: string }
  | { owner: string; kind: 'entry'; namespace: string | undefined; secret: string };

const anyNamespace = '_';

/** Builds the key of a record inside its bucket. */
export function formatKey(key: RecordKey): string {
  const owner = escapeKeyToken(key.owner);
  switch (key.kind) {
    case 'manifest':
    case 'recipe':
      return `${owner}.${key.kind}`;
    case 'namespace':
      return `${owner}.namespace.${escapeKeyToken(key.namespace)}`;
    case 'entry': {
      const namespace = key.namespace === undefined ? anyNamespace : escapeKeyToken(key.namespace);
      return `${owner}.entry.${namespace}.${escapeKeyToken(key.secret)}`;
    }
  }
}

/** Reads a key; undefined when it is none of ours (a reader skips and counts it). */
export function parseKey(key: string): RecordKey | undefined {
  const [ownerToken, kind, first, second, ...rest] = key.split('.');
  const owner = ownerToken === undefined ? undefined : unescapeKeyToken(ownerToken);
  if (owner === undefined || rest.length > 0) return undefined;
  if ((kind === 'manifest' || kind === 'recipe') && first === undefined) return { owner, kind };
  const scope = first === undefined ? undefined : unescapeKeyToken(first);
  if (scope === undefined) return undefined;
  if (kind === 'namespace' && second === undefined) return { owner, kind, namespace: scope };
  const secret = second === undefined ? undefined : unescapeKeyToken(second);
  if (kind !== 'entry' || secret === undefined) return undefined;
  return { owner, kind, namespace: scope === anyNamespace ? undefined : scope, secret };
}
