import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PodAnswer } from '#testkit/installation/create-pod.ts';
import { type Disturbance, type Probe, wrongness } from './probe-judgement.ts';

const staleAfterMs = 8_000;
const denial = (code: number): PodAnswer => ({
  admitted: false,
  code,
  message: 'admission webhook "w" denied the request: because',
});
const admitted: PodAnswer = { admitted: true, pod: { spec: { containers: [] } } };
const unanswered: PodAnswer = { admitted: false, code: 0, message: 'connect ECONNREFUSED' };
const lasting = (sinceMs: number, more: Partial<Disturbance> = {}): Disturbance => ({
  what: 'a fault',
  sinceMs,
  ...more,
});

/** A probe at 100 s of a secret that last was there, and last was absent, so long ago. */
const aProbe = (answer: PodAnswer, lags: { presentMs: number; absentMs: number }): Probe => ({
  timeline: {
    keys: () => new Set(),
    change: () => Promise.resolve(),
    lagMs: ({ found }) => (found ? lags.presentMs : lags.absentMs),
  },
  key: 'k',
  sentMs: 100_000,
  answeredMs: 100_010,
  answer,
  injected: answer.admitted ? ['secret/k'] : [],
  expectedReference: /^secret\/k$/,
});
const isWrong = (probe: Probe, disturbance?: Disturbance): boolean =>
  wrongness(probe, disturbance, staleAfterMs) !== undefined;

const there = { presentMs: 0, absentMs: Infinity };
const absent = { presentMs: Infinity, absentMs: 0 };

test('undisturbed an answer fits a state of the last 2 s, and nothing else is right', () => {
  assert.equal(isWrong(aProbe(admitted, there)), false);
  assert.equal(isWrong(aProbe(denial(404), absent)), false);
  assert.equal(isWrong(aProbe(admitted, { presentMs: 1_900, absentMs: 0 })), false);
  assert.equal(isWrong(aProbe(admitted, { presentMs: 2_100, absentMs: 0 })), true);
  assert.equal(isWrong(aProbe(denial(404), { presentMs: 0, absentMs: 2_100 })), true);
  for (const code of [400, 403, 500, 503]) assert.equal(isWrong(aProbe(denial(code), absent)), true);
  assert.equal(isWrong(aProbe(unanswered, there)), true);
});

test('a pod admitted without the reference that it asked for is wrong', () => {
  for (const injected of [[], ['other/k']])
    assert.equal(isWrong({ ...aProbe(admitted, there), injected }), true);
});

test('while disturbed what was known goes on being injected, but what never was is not', () => {
  const disturbance = lasting(70_000);
  assert.equal(isWrong(aProbe(admitted, { presentMs: 29_000, absentMs: 0 }), disturbance), false);
  assert.equal(isWrong(aProbe(admitted, { presentMs: 33_000, absentMs: 0 }), disturbance), true);
  assert.equal(isWrong(aProbe(admitted, absent), disturbance), true);
});

test('while disturbed a secret may be called missing only for as long as what is known is fresh', () => {
  const made = (absentMs: number) => aProbe(denial(404), { presentMs: 0, absentMs });
  assert.equal(isWrong(made(9_000), lasting(70_000)), false);
  assert.equal(isWrong(made(11_000), lasting(70_000)), true);
  assert.equal(isWrong(made(9_000), lasting(95_000)), true);
});

test('503 is right only while disturbed, and never about a secret that was there all the time', () => {
  const disturbance = lasting(70_000);
  assert.equal(isWrong(aProbe(denial(503), absent), disturbance), false);
  assert.equal(isWrong(aProbe(denial(503), { presentMs: 0, absentMs: 20_000 }), disturbance), false);
  assert.equal(isWrong(aProbe(denial(503), there), disturbance), true);
});

test('a missing answer is excused only while the API server is away, a failed webhook call never', () => {
  assert.equal(isWrong(aProbe(unanswered, there), lasting(70_000)), true);
  const away = lasting(70_000, { apiServerAway: true });
  assert.equal(isWrong(aProbe(unanswered, there), away), false);
  const message = 'Internal error occurred: failed calling webhook "w"';
  assert.equal(isWrong(aProbe({ admitted: false, code: 500, message }, there), away), true);
});
