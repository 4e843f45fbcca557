import assert from 'node:assert/strict';
import { test } from 'node:test';
import { caStateAnnotation, readCaState, stableState } from './ca-state.ts';

const secretWith = (state: string) => ({
  metadata: { name: 'ca', annotations: { [caStateAnnotation]: state } },
});

test('a Secret without a state is stable', () => {
  assert.deepEqual(readCaState(undefined), stableState);
  assert.deepEqual(readCaState({ metadata: { name: 'ca' } }), stableState);
  assert.deepEqual(readCaState(secretWith(JSON.stringify(stableState))), stableState);
});

test('a state of another version is refused, so that it is never overwritten', () => {
  for (const state of ['{"version":2,"phase":"stable"}', '{"version":1,"phase":"overlap"}', 'garbage']) {
    assert.throws(() => readCaState(secretWith(state)), { code: 'CERTIFICATE_INVALID' });
  }
});
