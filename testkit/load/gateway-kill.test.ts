import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failureCause } from './gateway-kill.ts';

const kills = [{ targetPort: 9001, killedAtMs: 10_000, endedAtMs: 10_003, noticedAtMs: 10_500 }];
const aFailure = (localPort: number, sentAtMs: number, failedAtMs = sentAtMs + 5) => ({
  client: 'kept',
  id: 'an-id',
  case: 'known',
  sentAtMs,
  failedAtMs,
  connectedAtMs: 0,
  localPort,
  reused: true,
  why: 'EOF',
});
const connections = [
  { clientPort: 1, targetPort: 9001, atMs: 5_000, endedAtMs: 10_010 },
  { clientPort: 2, targetPort: 9002, atMs: 5_000 },
  { clientPort: 3, targetPort: 9001, atMs: 10_200 },
  { clientPort: 4, targetPort: 9001, atMs: 10_501 },
  { clientPort: 5, targetPort: 9001, atMs: 1_000 },
  { clientPort: 5, targetPort: 9002, atMs: 9_000 },
];
const causeOf = (failure: ReturnType<typeof aFailure>) => failureCause(failure, connections, kills);

test('a request that was on its way to the killed gateway was in flight', () => {
  assert.equal(causeOf(aFailure(1, 9_999, 10_003)), 'in-flight');
});

test('a request sent over a connection to it is explained until the end must have reached the client', () => {
  assert.equal(causeOf(aFailure(1, 10_004)), 'on-its-connection');
  assert.equal(causeOf(aFailure(1, 10_111)), 'unexplained');
});

test('a new connection to it is explained only until the balancer knew', () => {
  assert.equal(causeOf(aFailure(3, 10_200)), 'before-notice');
  assert.equal(causeOf(aFailure(4, 10_501)), 'unexplained');
});

test('a failure on another gateway, without a connection or before the kill is unexplained', () => {
  assert.equal(causeOf(aFailure(2, 10_001)), 'unexplained');
  assert.equal(causeOf(aFailure(0, 10_001)), 'unexplained');
  assert.equal(causeOf(aFailure(1, 9_000)), 'unexplained');
});

test('a port that was used again counts for its last connection', () => {
  assert.equal(causeOf(aFailure(5, 10_001)), 'unexplained');
});
