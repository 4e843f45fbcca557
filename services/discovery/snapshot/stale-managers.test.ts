import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Heartbeat } from '#shared/contracts/bus/heartbeat.ts';
import { createStaleManagers } from './stale-managers.ts';

const beganMs = Date.UTC(2026, 10, 24, 12);
const applied = [{ owner: 'k8s', epoch: 1, seq: 2 }];
const aHeartbeat = (sourceAgeMs = 0): Heartbeat => ({
  schema: 1,
  service: 'resolver',
  uid: 'a',
  manager: 'k8s',
  ready: true,
  applied,
  sourceAgeMs,
});

function someManagers() {
  let nowMs = 0;
  const clock = { now: () => beganMs + nowMs, monotonicMs: () => nowMs };
  const stale = createStaleManagers({ managers: ['k8s'], staleAfterMs: 15_000, clock });
  return { ...stale, at: (ms: number) => (nowMs = ms) };
}
const since = (ms: number) => ({ stale: [{ manager: 'k8s', since: new Date(beganMs + ms).toISOString() }] });

test('a manager that falls silent is told with the time of its last heartbeat, until it is heard again', () => {
  const { heard, told, at } = someManagers();
  at(5_000);
  heard(aHeartbeat(), applied);
  at(20_000);
  assert.deepEqual(told(), {});
  at(20_001);
  assert.deepEqual(told(), since(5_000));
  at(90_000);
  assert.deepEqual(told(), since(5_000));
  heard(aHeartbeat(), applied);
  assert.deepEqual(told(), {});
});

test('a manager whose source is old is told, and its time does not change with every heartbeat', () => {
  const { heard, told, at } = someManagers();
  at(60_000);
  heard(aHeartbeat(50_000), applied);
  assert.deepEqual(told(), since(10_000));
  at(62_000);
  heard(aHeartbeat(51_900), applied);
  assert.deepEqual(told(), since(10_000));
});

test('one that was never heard is silent since the start', () => {
  const { told, at } = someManagers();
  assert.deepEqual(told(), {});
  at(15_001);
  assert.deepEqual(told(), since(0));
});
