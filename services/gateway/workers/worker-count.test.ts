import assert from 'node:assert/strict';
import { test } from 'node:test';
import { workerCount } from './worker-count.ts';

const machine = { cpuMax: '200000 100000\n', available: 8 };

test('a number of workers is taken as it is told', () => {
  assert.equal(workerCount(3, machine), 3);
  assert.equal(workerCount(1, machine), 1);
});

test('auto takes the whole cores of the limit, and one at least', () => {
  assert.equal(workerCount('auto', machine), 2);
  assert.equal(workerCount('auto', { ...machine, cpuMax: '350000 100000\n' }), 3);
  assert.equal(workerCount('auto', { ...machine, cpuMax: '50000 100000\n' }), 1);
});

test('auto takes a limit as it stands, whatever Node calls available', () => {
  assert.equal(workerCount('auto', { ...machine, available: 1 }), 2);
});

test('auto takes the cores of the machine where there is no limit, or none that can be read', () => {
  for (const cpuMax of ['max 100000\n', undefined, '', '100000 0\n'])
    assert.equal(workerCount('auto', { cpuMax, available: 4 }), 4);
});
