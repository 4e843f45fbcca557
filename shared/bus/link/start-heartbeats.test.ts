import assert from 'node:assert/strict';
import { test } from 'node:test';
import { heartbeatSchema } from '#shared/contracts/heartbeat.ts';
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
