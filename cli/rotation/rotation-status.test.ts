import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type CaState,
  caStateAnnotation,
  type LeafState,
  leafStateAnnotation,
  rotateAnnotation,
} from '#shared/contracts/kubernetes/rotation-state.ts';
import { rotationStatus, rotationUnderWay } from './rotation-status.ts';

const at = '2026-11-24T12:00:00.000Z';
const ours = { id: 'ours', requested: true };
const rotation = { id: 'ours', reason: 'requested', startedAt: at };

function secretWith(request: string | undefined, states: { ca?: object; leaf?: object } = {}) {
  const annotations = {
    ...(request === undefined ? {} : { [rotateAnnotation]: request }),
    ...(states.ca === undefined ? {} : { [caStateAnnotation]: JSON.stringify(states.ca) }),
    ...(states.leaf === undefined ? {} : { [leafStateAnnotation]: JSON.stringify(states.leaf) }),
  };
  return { metadata: { name: 'any', annotations } };
}

const ca = (state: Partial<CaState>): { ca: object } => ({ ca: { version: 1, phase: 'stable', ...state } });
const leaf = (state: Partial<LeafState>): { leaf: object } => ({
  leaf: { version: 1, fingerprint: 'new', issuedAt: at, served: true, ...state },
});
const outcomeOf = (...args: Parameters<typeof rotationStatus>) => {
  const status = rotationStatus(...args);
  return status.outcome === 'underWay' ? status.phase : status.outcome;
};

test('a CA goes from the request through the phases to done', () => {
  const running = (phase: CaState['phase']) =>
    ca({ phase, handled: 'ours', rotation, waitingFor: ['gateway-0'] });
  const seen = [
    secretWith('ours'),
    secretWith('ours', ca({ handled: 'before' })),
    secretWith('ours', running('distributing')),
    secretWith('ours', running('retiring')),
    secretWith('ours', ca({ handled: 'ours' })),
  ].map((secret) => outcomeOf('ca', secret, ours));
  assert.deepEqual(seen, ['requested', 'requested', 'distributing', 'retiring', 'done']);
  assert.deepEqual(rotationStatus('ca', secretWith('ours', running('switching')), ours), {
    outcome: 'underWay',
    phase: 'switching',
    waitingFor: ['gateway-0'],
  });
});

test('a leaf is done when it is served everywhere', () => {
  const handled = (served: boolean) => secretWith('ours', leaf({ handled: 'ours', served }));
  assert.equal(outcomeOf('leaf', secretWith('ours', leaf({})), ours), 'requested');
  assert.equal(outcomeOf('leaf', handled(false), ours), 'loading');
  assert.equal(outcomeOf('leaf', handled(true), ours), 'done');
});

test('a refusal says why', () => {
  const refused = { id: 'ours', reason: 'repair is paused' };
  for (const [target, secret] of [
    ['ca', secretWith('ours', ca({ handled: 'ours', refused }))],
    ['leaf', secretWith('ours', leaf({ handled: 'ours', refused }))],
  ] as const) {
    assert.deepEqual(rotationStatus(target, secret, ours), { outcome: 'refused', reason: refused.reason });
  }
});

test('a request that another one has replaced is superseded, in a Secret that is gone it is waited for', () => {
  assert.equal(outcomeOf('ca', secretWith('theirs'), ours), 'superseded');
  assert.equal(outcomeOf('leaf', secretWith('theirs', leaf({ handled: 'theirs' })), ours), 'superseded');
  assert.equal(outcomeOf('ca', secretWith(undefined), ours), 'superseded');
  assert.equal(outcomeOf('ca', undefined, ours), 'deleted');
});

test('one that is under way is found, by whomever it was started', () => {
  assert.equal(rotationUnderWay('ca', secretWith(undefined)), undefined);
  assert.equal(rotationUnderWay('ca', secretWith('ours', ca({ handled: 'ours' }))), undefined);
  assert.deepEqual(rotationUnderWay('ca', secretWith('ours')), ours);
  const scheduled = ca({ phase: 'switching', rotation: { ...rotation, id: 'scheduled' }, handled: 'ours' });
  const followed = { id: 'scheduled', requested: false };
  assert.deepEqual(rotationUnderWay('ca', secretWith('ours', scheduled)), followed);
  assert.equal(outcomeOf('ca', secretWith('ours', scheduled), followed), 'switching');
  assert.equal(outcomeOf('ca', secretWith('ours', ca({ handled: 'ours' })), followed), 'done');

  assert.equal(rotationUnderWay('leaf', secretWith(undefined, leaf({}))), undefined);
  const loading = { id: 'new', requested: false };
  assert.deepEqual(rotationUnderWay('leaf', secretWith(undefined, leaf({ served: false }))), loading);
  assert.equal(outcomeOf('leaf', secretWith(undefined, leaf({ served: false })), loading), 'loading');
  assert.equal(outcomeOf('leaf', secretWith(undefined, leaf({})), loading), 'done');
  assert.equal(
    outcomeOf('leaf', secretWith(undefined, leaf({ fingerprint: 'newer' })), loading),
    'superseded',
  );
});
