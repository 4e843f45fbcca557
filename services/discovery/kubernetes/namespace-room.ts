import { maxRecordBytes } from '#shared/bus/link/buckets.ts';
import { itemCostBytes } from '#shared/bus/records/stored-records.ts';
import type { SecretFact } from './secret-fact.ts';

/** Adds to the items of an entry: its key on the bus, its headers, and what a process keeps of a record at least. */
const entryBytes = 300;
/** Adds to the names in `"<secret>/<key>":{},`. */
const itemBytes = 8;

/**
 * Shares the room of each namespace among its Secrets. A Secret with a place keeps it; one that comes when the room is
 * taken is left out until it changes and there is room. So another Secret, or another key, displaces none. After a start
 * the API server's order decides, which is by name.
 */
export interface NamespaceRoom {
  /** Returns the fact as it is to be kept: without its keys where it is left out. The same version gets the same answer. */
  place(fact: SecretFact): SecretFact;
  /** Gives up the place of a Secret that is gone. */
  release(namespace: string, name: string): void;
  /**
   * Gives up the places of the Secrets that a complete list does not have: one that was deleted while the list was sent
   * is never heard of again. `listed` has the key `<namespace>/<name>`; `namespace` undefined = the list of all.
   */
  keepListed(namespace: string | undefined, listed: ReadonlyMap<string, unknown>): void;
}

interface Place {
  bytes: number;
  /** Version of a Secret that is left out for lack of room: it stays out until it changes, whatever becomes free. */
  refused: string | undefined;
}

/** @param mostBytes room of a namespace, by what its Secrets cost as rules */
export function createNamespaceRoom(mostBytes: number): NamespaceRoom {
  const namespaces = new Map<string, { bytes: number; places: Map<string, Place> }>();
  function release(namespace: string, name: string): void {
    const room = namespaces.get(namespace);
    if (room === undefined) return;
    room.bytes -= room.places.get(name)?.bytes ?? 0;
    room.places.delete(name);
    if (room.places.size === 0) namespaces.delete(namespace);
  }
  return {
    place(given) {
      const { namespace, name, resourceVersion } = given;
      const room = namespaces.get(namespace) ?? { bytes: 0, places: new Map<string, Place>() };
      namespaces.set(namespace, room);
      const before = room.places.get(name);
      const fact = bytesOf(given) > maxRecordBytes ? leaveOut(given, 'keys') : given;
      const others = room.bytes - (before?.bytes ?? 0);
      const isUnchanged = before?.refused !== undefined && before.refused === resourceVersion;
      const isRefused = isUnchanged || others + costOf(fact) > mostBytes;
      const bytes = isRefused ? 0 : costOf(fact);
      room.bytes = others + bytes;
      room.places.set(name, { bytes, refused: isRefused ? resourceVersion : undefined });
      return isRefused ? leaveOut(fact, 'namespace') : fact;
    },
    release,
    keepListed(namespace, listed) {
      for (const one of namespace === undefined ? [...namespaces.keys()] : [namespace])
        for (const name of [...(namespaces.get(one)?.places.keys() ?? [])])
          if (!listed.has(`${one}/${name}`)) release(one, name);
    },
  };
}

const leaveOut = (fact: SecretFact, leftOut: 'keys' | 'namespace'): SecretFact => ({
  ...fact,
  keys: [],
  leftOut,
});

/** Computes what a Secret costs as a rule. */
const costOf = (fact: SecretFact): number => bytesOf(fact) + fact.keys.length * itemCostBytes;

/** Computes how long the record of a Secret is at most; names of Kubernetes have one byte a character. */
function bytesOf({ name, keys }: SecretFact): number {
  const items = keys.reduce((sum, key) => sum + name.length + key.length + itemBytes, 0);
  return entryBytes + 2 * name.length + items;
}
