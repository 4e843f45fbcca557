import { maxRecordBytes } from '#shared/bus/link/buckets.ts';
import { itemCostBytes } from '#shared/bus/records/cost.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import { GoneNames, goneBytesOf } from './gone-names.ts';
import type { SecretFact } from './secret-fact.ts';

/** Adds to the items of an entry: its key on the bus, its headers, and what a process keeps of a record at least. */
const entryBytes = 300;
/** Adds to the names in `"<secret>/<key>":{},`. */
const itemBytes = 8;

/**
 * Shares the room of each namespace among its Secrets. A Secret with a place keeps it; one that comes when the room is
 * taken is left out until it changes and there is room. So another Secret, or another key, displaces none. After a start
 * the API server's order decides, which is by name.
 *
 * Names that went have room of their own, as much again. When it is taken, a name that left nothing on the bus is left
 * out: Secrets that come and go under ever new names would fill the buckets of all with tombstones.
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

type SecretName = Pick<SecretFact, 'namespace' | 'name'>;

interface Place {
  bytes: number;
  /** Version of a Secret that is left out for lack of room: it stays out until it changes, whatever becomes free. */
  refused: string | undefined;
}

/** @param mostBytes room of a namespace, by what its Secrets cost as rules */
export function createNamespaceRoom(mostBytes: number, clock: Pick<Clock, 'monotonicMs'>): NamespaceRoom {
  const namespaces = new Map<string, { bytes: number; places: Map<string, Place> }>();
  const gone = new GoneNames(clock);
  const mayLeaveTombstone = ({ namespace, name }: SecretName, before: Place | undefined): boolean =>
    isOnBus(before) || gone.has(namespace, name) || gone.bytesOf(namespace) + goneBytesOf(name) <= mostBytes;
  const noteTombstone = ({ namespace, name }: SecretName, before: Place | undefined, now?: Place): void => {
    if (isOnBus(now)) gone.forget(namespace, name);
    else if (isOnBus(before)) gone.note(namespace, name);
  };

  function release(namespace: string, name: string): void {
    const room = namespaces.get(namespace);
    const place = room?.places.get(name);
    if (room === undefined || place === undefined) return;
    room.bytes -= place.bytes;
    room.places.delete(name);
    noteTombstone({ namespace, name }, place);
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
      const hasRoom = others + costOf(fact) <= mostBytes && mayLeaveTombstone(fact, before);
      const isRefused = isUnchanged || !hasRoom;
      const place = isRefused
        ? { bytes: 0, refused: resourceVersion }
        : { bytes: costOf(fact), refused: undefined };
      room.bytes = others + place.bytes;
      room.places.set(name, place);
      noteTombstone(fact, before, place);
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

/** Tells whether a Secret has a record, which leaves a tombstone when it goes. */
const isOnBus = (place: Place | undefined): boolean => place !== undefined && place.refused === undefined;

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
