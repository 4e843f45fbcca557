import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { costOf } from '#shared/bus/records/cost.ts';
import { goneMs } from '#shared/bus/records/gone-keys.ts';
import { aRecord } from '#testkit/nats/a-record.ts';
import { propertyRuns } from '#testkit/properties/property-runs.ts';
import { goneBytesOf } from './gone-names.ts';
import { createNamespaceRoom } from './namespace-room.ts';
import type { SecretFact } from './secret-fact.ts';

const standingClock = { monotonicMs: () => 0 };
const aFact = (name: string, keys: number, resourceVersion = '1', namespace = 'ns'): SecretFact => ({
  namespace,
  name,
  keys: Array.from({ length: keys }, (_, index) => `key-${index}`),
  resourceVersion,
});

test('who has a place keeps it, and who comes to a full namespace is left out; other namespaces have theirs', () => {
  const room = createNamespaceRoom(1_000, standingClock);
  assert.equal(room.place(aFact('b', 20)).leftOut, undefined);
  assert.deepEqual([room.place(aFact('a', 20)).leftOut, room.place(aFact('a', 20)).keys], ['namespace', []]);
  assert.equal(room.place(aFact('a', 20, '1', 'other')).leftOut, undefined);
  assert.equal(room.place(aFact('b', 21, '2')).leftOut, undefined);
});

test('a Secret that was left out has a place when there is room and it is changed, not before', () => {
  const room = createNamespaceRoom(1_000, standingClock);
  room.place(aFact('a', 20));
  room.place(aFact('b', 20));
  room.release('ns', 'a');
  assert.equal(room.place(aFact('b', 20)).leftOut, 'namespace');
  assert.equal(room.place(aFact('b', 20, '2')).leftOut, undefined);
});

test('a Secret that a complete list does not have gives up its place, in the listed namespace alone', () => {
  const room = createNamespaceRoom(1_000, standingClock);
  for (const namespace of ['ns', 'other']) room.place(aFact('gone', 20, '1', namespace));
  room.keepListed('ns', new Map([['ns/b', undefined]]));
  assert.equal(room.place(aFact('b', 20)).leftOut, undefined);
  assert.equal(room.place(aFact('b', 20, '1', 'other')).leftOut, 'namespace');
  room.keepListed(undefined, new Map([['ns/b', undefined]]));
  assert.equal(room.place(aFact('c', 20, '1', 'other')).leftOut, undefined);
  assert.equal(room.place(aFact('c', 20)).leftOut, 'namespace');
});

test('a Secret whose record would be too long for the bus is left out by its keys, whatever the limits are', () => {
  const room = createNamespaceRoom(10_000_000, standingClock);
  const { leftOut, keys } = room.place(aFact('n'.repeat(200), 5_000));
  assert.deepEqual([leftOut, keys], ['keys', []]);
});

test('whatever a tenant does, no more than its room is kept, and no version is judged twice', () => {
  const step = fc.record({
    name: fc.constantFrom('a', 'b', 'c', 'd'),
    keys: fc.integer({ min: 0, max: 60 }),
    isGone: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const room = createNamespaceRoom(1_000, standingClock);
      const kept = new Map<string, SecretFact>();
      for (const [index, { name, keys, isGone }] of steps.entries()) {
        if (isGone) {
          room.release('ns', name);
          kept.delete(name);
          continue;
        }
        const given = aFact(name, keys, String(index));
        kept.set(name, room.place(given));
        assert.deepEqual(room.place(given), kept.get(name));
        const bytes = [...kept.values()].reduce((sum, fact) => sum + fact.keys.join('').length, 0);
        assert.ok(bytes <= 1_000);
      }
    }),
    propertyRuns,
  );
});

test('what a namespace may hold costs its rules no more than its room, however short the names are', () => {
  const mostBytes = 1_024 * 1_024;
  const room = createNamespaceRoom(mostBytes, standingClock);
  const keys = Array.from({ length: 1_000 }, (_, index) => index.toString(36));
  const costs: number[] = [];
  for (let secret = 0; secret < 200; secret += 1) {
    const name = secret.toString(36);
    const placed = room.place({ namespace: 'ns', name, keys, resourceVersion: '1' });
    if (placed.leftOut !== undefined) continue;
    const items = Object.fromEntries(placed.keys.map((key) => [`${name}/${key}`, {}]));
    costs.push(costOf(aRecord({ key: `k8s.entry.ns.${name}`, body: { schema: 1, items } })));
  }
  const total = costs.reduce((sum, cost) => sum + cost, 0);
  assert.ok(costs.length < 40, `${costs.length} Secrets`);
  assert.ok(total <= mostBytes && total > 0.95 * mostBytes, `${total} bytes`);
});

test('input 65: a tenant who creates and deletes Secrets under ever new names is left out, others are not, and not for long', () => {
  let nowMs = 0;
  const room = createNamespaceRoom(100_000, { monotonicMs: () => nowMs });
  const come = (name: string, namespace = 'ns') => {
    const { leftOut } = room.place(aFact(name, 1, '1', namespace));
    room.release(namespace, name);
    return leftOut;
  };
  const names = Array.from({ length: 1_000 }, (_, index) => `name-${String(index).padStart(3, '0')}`);
  const leftOut = names.map((name) => come(name)).indexOf('namespace');
  assert.equal(leftOut, Math.floor(100_000 / goneBytesOf('name-000')));
  for (let index = 0; index < 1_000; index += 1) assert.equal(come(`other-${index}`), 'namespace');
  assert.equal(come('name-000'), undefined);
  assert.equal(come('other-0', 'neighbour'), undefined);
  nowMs = goneMs;
  assert.equal(come('other-0'), undefined);
});

test('whatever a tenant creates and deletes, its records and tombstones cost at most twice its room', () => {
  const mostBytes = 3_000;
  const step = fc.record({
    name: fc.nat(30).map((index) => `name-${index}`),
    keys: fc.integer({ min: 0, max: 30 }),
    isGone: fc.boolean(),
    waitMs: fc.constantFrom(0, 0, 0, goneMs / 3),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      let nowMs = 0;
      const room = createNamespaceRoom(mostBytes, { monotonicMs: () => nowMs });
      /** Until when the bus has something under a name, ms. */
      const onBus = new Map<string, number>();
      const lose = (name: string) => {
        if (onBus.get(name) === Infinity) onBus.set(name, nowMs + goneMs);
      };
      const take = (name: string, fact: SecretFact) => {
        if (room.place(fact).leftOut === 'namespace') lose(name);
        else onBus.set(name, Infinity);
      };
      for (const [index, { name, keys, isGone, waitMs }] of steps.entries()) {
        nowMs += waitMs;
        if (isGone) {
          room.release('ns', name);
          lose(name);
        } else take(name, aFact(name, keys, String(index)));
        const names = [...onBus.keys()].filter((one) => (onBus.get(one) ?? 0) > nowMs);
        const bytes = names.reduce((sum, one) => sum + goneBytesOf(one), 0);
        assert.ok(bytes <= 2 * mostBytes, `${bytes} bytes`);
      }
    }),
    propertyRuns,
  );
});
