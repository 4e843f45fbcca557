import assert from 'node:assert/strict';
import { test } from 'node:test';
import { maxVersionNumber } from '#shared/contracts/bus/bucket.ts';
import { heartbeatSchema, heartbeatSubject } from '#shared/contracts/bus/heartbeat.ts';
import { readHeartbeat } from './heartbeats.ts';
import { heartbeatOf } from './start-heartbeats.ts';

const applied = [{ owner: 'k8s', epoch: 1, seq: 2 }];

test('a process that is ready gives no reason, and an age only when it publishes something', () => {
  const sender = { service: 'gateway', uid: 'a' } as const;
  assert.deepEqual(heartbeatOf(sender, { notReady: [], applied }), {
    schema: 1,
    service: 'gateway',
    uid: 'a',
    ready: true,
    applied,
    sourceAgeMs: 0,
  });
});

test('all reasons are given, and a source that was never heard is as old as a number can say', () => {
  const sender = { service: 'resolver', uid: 'a', manager: 'k8s' } as const;
  const report = { notReady: ['no bus', 'no rules'], applied: [], epoch: 3, sourceAgeMs: Infinity };
  const heartbeat = heartbeatOf(sender, report);
  assert.deepEqual(
    [heartbeat.ready, heartbeat.reason, heartbeat.epoch, heartbeat.sourceAgeMs],
    [false, 'no bus; no rules', 3, Number.MAX_SAFE_INTEGER],
  );
  assert.deepEqual(heartbeatSchema.parse(JSON.parse(JSON.stringify(heartbeat))), heartbeat);
});

test("a heartbeat with an epoch or a number that no publisher could come to is nobody's", () => {
  const sender = { service: 'resolver', uid: 'a', manager: 'k8s' } as const;
  const isRead = (epoch: number, [own = 1, seq = 2]: number[] = []): boolean => {
    const heartbeat = heartbeatOf(sender, {
      notReady: [],
      applied: [{ owner: 'k8s', epoch: own, seq }],
      epoch,
    });
    return readHeartbeat(Buffer.from(JSON.stringify(heartbeat)), heartbeatSubject(sender)) !== undefined;
  };
  assert.ok(isRead(maxVersionNumber, [maxVersionNumber, maxVersionNumber]));
  assert.ok(!isRead(maxVersionNumber + 1));
  for (const beyond of [maxVersionNumber + 1, -1, 0.5]) {
    assert.ok(!isRead(1, [beyond, 2]));
    assert.ok(!isRead(1, [1, beyond]));
  }
});
