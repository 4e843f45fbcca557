import assert from 'node:assert/strict';
import { test } from 'node:test';
import { workerCount } from './worker-count.ts';

const mib = 1_024 * 1_024;
/** A container of deploy/variants/gateway-workers; V8 adds the young generation to the heap that it is told. */
const limits = {
  cpuMax: '200000 100000\n',
  memoryMax: `${3_072 * mib}\n`,
  available: 8,
  heapBytes: 652 * mib,
};

test('a number of workers is taken as it is told', () => {
  assert.equal(workerCount(3, limits), 3);
  assert.equal(workerCount(1, limits), 1);
});

test('auto takes the whole cores of the limit, and one at least', () => {
  const roomy = { ...limits, memoryMax: 'max\n' };
  assert.equal(workerCount('auto', limits), 2);
  assert.equal(workerCount('auto', { ...roomy, cpuMax: '350000 100000\n' }), 3);
  assert.equal(workerCount('auto', { ...roomy, cpuMax: '50000 100000\n' }), 1);
});

test('auto takes a limit as it stands, whatever Node calls available', () => {
  assert.equal(workerCount('auto', { ...limits, available: 1 }), 2);
});

test('auto takes the cores of the machine where there is no limit, or none that can be read', () => {
  for (const cpuMax of ['max 100000\n', undefined, '', '100000 0\n'])
    assert.equal(workerCount('auto', { ...limits, cpuMax, memoryMax: undefined, available: 4 }), 4);
});

test('auto takes no more than the memory holds beside the primary', () => {
  const manyCores = { ...limits, cpuMax: undefined, available: 64 };
  assert.equal(workerCount('auto', manyCores), 2);
  assert.equal(workerCount('auto', { ...manyCores, memoryMax: `${1_024 * mib}\n` }), 1);
});
