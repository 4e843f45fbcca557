import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { afterFailure, beforeAttempt, type Circuit, closedCircuit, tolerance } from './circuit-breaker.ts';

const randomNumber = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

/** The circuit after so many failed attempts, with the pause after the last. */
function failing(times: number, random = 0.999): { circuit: Circuit; pauseMs: number } {
  let step = { circuit: closedCircuit, pauseMs: 0 };
  for (let attempt = 0; attempt < times; attempt++) step = afterFailure(beforeAttempt(step.circuit), random);
  return step;
}

test('a few failures leave the circuit closed, with pauses that double', () => {
  const steps = [1, 2, 3, 4].map((times) => failing(times));
  assert.deepEqual(
    steps.map(({ circuit, pauseMs }) => [circuit.state, Math.round(pauseMs / 1_000)]),
    [
      ['closed', 1],
      ['closed', 2],
      ['closed', 4],
      ['closed', 8],
    ],
  );
});

test('more open it for a long pause; then one attempt is made, whose failure opens it for longer', () => {
  const opened = failing(tolerance);
  assert.equal(opened.circuit.state, 'open');
  assert.equal(Math.round(opened.pauseMs / 1_000), 30);
  const probing = beforeAttempt(opened.circuit);
  assert.equal(probing.state, 'half-open');
  const again = afterFailure(probing, 0.999);
  assert.equal(again.circuit.state, 'open');
  assert.equal(Math.round(again.pauseMs / 1_000), 60);
});

test('an attempt changes nothing about a closed circuit', () => {
  assert.deepEqual(beforeAttempt(closedCircuit), closedCircuit);
});

test('no pause is longer than five minutes, and each lies between half and the whole of what it would be', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 60 }), randomNumber, (times, random) => {
      const [shortest, drawn, longest] = [0, random, 1 - 1e-9].map((share) => failing(times, share).pauseMs);
      assert.ok(drawn !== undefined && shortest !== undefined && longest !== undefined);
      assert.ok(shortest <= drawn && drawn <= longest && longest <= 300_000);
      assert.ok(longest <= shortest * 2 + 1);
    }),
  );
});
