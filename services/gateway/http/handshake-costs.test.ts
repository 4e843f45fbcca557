import assert from 'node:assert/strict';
import { test } from 'node:test';
import { costLimits, createHandshakeCosts } from './handshake-costs.ts';

const { ordinaryMs, mostMs, forgivenPerSecondMs } = costLimits;

test('an address whose failed handshakes take much CPU time is refused until that is forgiven, others are not', () => {
  let nowMs = 0;
  const costs = createHandshakeCosts(() => nowMs);
  costs.charge('10.0.0.1', ordinaryMs + mostMs - 1);
  assert.equal(costs.isSpent('10.0.0.1'), false);
  costs.charge('10.0.0.1', ordinaryMs + 1);
  assert.equal(costs.isSpent('10.0.0.1'), true);
  assert.equal(costs.isSpent('10.0.0.2'), false);
  nowMs = (1_000 / forgivenPerSecondMs) * 2;
  assert.equal(costs.isSpent('10.0.0.1'), false);
});

test('callers that merely lack a certificate are refused one by one, however many they are', () => {
  const costs = createHandshakeCosts(() => 0);
  for (let count = 0; count < 10_000; count += 1) costs.charge('10.0.0.1', ordinaryMs);
  assert.equal(costs.isSpent('10.0.0.1'), false);
});

test('the addresses that are known are bounded', () => {
  const costs = createHandshakeCosts(() => 0);
  costs.charge('first', ordinaryMs + mostMs);
  for (let count = 0; count < 1_000; count += 1) costs.charge(`${count}`, ordinaryMs + mostMs);
  assert.equal(costs.isSpent('first'), false);
  assert.equal(costs.isSpent('0'), true);
});
