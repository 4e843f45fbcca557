import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  actionOf,
  caFact,
  caOf,
  nowMs,
  policy,
  rotation,
  servingOf,
  settled,
  since,
  stateOf,
  webhookOf,
} from '#testkit/certificates/rotation-examples.ts';
import { holdingConditions, nextAction } from './next-action.ts';
import {
  newCa,
  type RotationFacts,
  servedCondition,
  trustedCondition,
  uncalledCondition,
} from './rotation-facts.ts';

test('nothing is done when everything is right', () => {
  assert.deepEqual(actionOf({}), { kind: 'wait', recheckMs: undefined });
});

test('an empty cluster gets the CA, then the webhook configuration, then the leaf', () => {
  const nothing = {
    trusted: undefined,
    current: [],
    unmanagedReason: undefined,
    drifted: true,
    isBundleDeferred: false,
  };
  const ca = actionOf({ ca: undefined, serving: undefined, webhook: nothing });
  assert.ok(ca.kind === 'write-ca-secret');
  assert.deepEqual([ca.issuing, ca.bundle], [newCa, [newCa]]);
  const webhook = actionOf({ serving: undefined, webhook: nothing });
  assert.equal(webhook.kind, 'repair-webhook');
  const serving = actionOf({ serving: undefined, endpoints: [] });
  assert.ok(serving.kind === 'write-serving-secret');
  assert.deepEqual(serving.leaf, { issue: true });
});

test('an old CA is kept while the serving Secret holds a leaf of it', () => {
  const both = ['next', 'old'];
  const facts: RotationFacts = {
    ...settled,
    ca: caOf(both, { state: stateOf('retiring', { rotation }) }),
    serving: servingOf('leaf-1', 'old', both),
    webhook: webhookOf(both),
    nowMs: nowMs + policy.overlapMs,
  };
  const action = nextAction(
    facts,
    (condition) => (condition === servedCondition('leaf-1') ? policy.connectionWaitMs : 0),
    policy,
  );
  assert.ok(action.kind === 'write-ca-secret');
  assert.deepEqual([action.state.phase, action.bundle], ['retiring', both]);
});

test('a request is refused while a rotation runs, and while the configuration is left alone', () => {
  const paused = { ...webhookOf(['old']), unmanagedReason: 'paused' };
  const refused = actionOf({ ca: caOf(['old'], { request: 'asked' }), webhook: paused });
  assert.ok(refused.kind === 'write-ca-secret');
  assert.deepEqual(
    [refused.state.phase, refused.state.refused],
    ['stable', { id: 'asked', reason: 'paused' }],
  );
});

test('a requested leaf is made, or refused where its CA cannot be trusted', () => {
  const asked = { ...servingOf('leaf-1', 'old', ['old']), request: 'asked' };
  const made = actionOf({ serving: asked });
  assert.ok(made.kind === 'write-serving-secret');
  assert.deepEqual([made.leaf, made.state.handled, made.state.served], [{ issue: true }, 'asked', false]);

  const turned = ['next', 'old'];
  const untrusted: Partial<RotationFacts> = {
    ca: caOf(turned, { state: stateOf('switching', { rotation }) }),
    serving: { ...servingOf('leaf-1', 'old', turned), request: 'asked' },
  };
  const paused = { ...webhookOf(['old']), unmanagedReason: 'paused' };
  const refused = actionOf({ ...untrusted, webhook: paused });
  assert.ok(refused.kind === 'write-serving-secret');
  assert.deepEqual(refused.state.refused, { id: 'asked', reason: 'paused' });
  assert.deepEqual(refused.leaf, { id: 'leaf-1', issuedAt: since });
});

test('a stable CA without a leaf says what it waits for, and looks again before the wait begins anew', () => {
  const paused = { ...webhookOf(['old', 'other']), unmanagedReason: 'paused' };
  const bare: Partial<RotationFacts> = {
    lastKnownGood: { ca: caOf(['old']), leaf: undefined },
    serving: undefined,
    webhook: paused,
  };
  const waits = actionOf(bare);
  assert.ok(waits.kind === 'write-ca-secret');
  assert.match(waits.state.waitingFor.join(), /trustWaitSeconds/);
  const ca = caOf(['old'], { state: waits.state });
  assert.deepEqual(actionOf({ ...bare, ca }), { kind: 'wait', recheckMs: 2_000 });
  assert.equal(actionOf({ ...bare, ca }, policy.trustWaitMs).kind, 'write-serving-secret');
});

test('a leaf is issued at once where nothing serves, beside a CA of an earlier installation', () => {
  const reinstalled: Partial<RotationFacts> = {
    // The repair that adds an earlier CA leaves it to be retired.
    ca: caOf(['old', 'earlier'], { state: stateOf('retiring') }),
    serving: undefined,
    webhook: webhookOf(['old', 'earlier']),
  };
  const gateway = { name: 'gateway-1', ready: false, leaf: undefined, fresh: true };
  const kindWith = (endpoints: RotationFacts['endpoints']): string =>
    actionOf({ ...reinstalled, endpoints }).kind;
  assert.equal(kindWith([]), 'write-serving-secret');
  assert.equal(kindWith([gateway, { ...gateway, fresh: false }]), 'write-serving-secret');
  for (const endpoints of [
    [{ ...gateway, ready: true }],
    [gateway, { ...gateway, leaf: 'leaf-1', fresh: false }],
    'the endpoints cannot be read',
  ])
    assert.notEqual(kindWith(endpoints), 'write-serving-secret');
  const untold = webhookOf(['earlier']);
  const paused = { ...untold, unmanagedReason: 'paused' };
  assert.notEqual(
    actionOf({ ...reinstalled, endpoints: [], webhook: paused }).kind,
    'write-serving-secret',
    'the API server is not told of the CA',
  );
});

test('a rotation goes on where the API server has long been calling nobody', () => {
  const both = ['next', 'old'];
  const facts: RotationFacts = {
    ...settled,
    ca: caOf(both, { issuing: caFact('old'), next: caFact('next'), state: stateOf('distributing') }),
    serving: servingOf('leaf-1', 'old', both),
    webhook: {
      trusted: undefined,
      current: [],
      unmanagedReason: 'there is none',
      drifted: true,
      isBundleDeferred: false,
    },
  };
  const phaseAfter = (uncalledMs: number) => {
    const steadyForMs = (condition: string) => (condition === uncalledCondition ? uncalledMs : 0);
    const action = nextAction(facts, steadyForMs, policy);
    return action.kind === 'write-ca-secret' && action.state.phase;
  };
  assert.equal(phaseAfter(policy.trustWaitMs - 1), 'distributing');
  assert.equal(phaseAfter(policy.trustWaitMs), 'switching');
});

test('the conditions are what the API server is told to trust, and that every endpoint serves the leaf', () => {
  assert.deepEqual(holdingConditions(settled), [trustedCondition('old'), servedCondition('leaf-1')]);
  assert.deepEqual(holdingConditions({ ...settled, endpoints: [] }), [trustedCondition('old')]);
  const webhook = { ...webhookOf([]), trusted: undefined };
  assert.deepEqual(holdingConditions({ ...settled, webhook }), [
    uncalledCondition,
    servedCondition('leaf-1'),
  ]);
});

test('a CA Secret that only an operator can write holds up neither the webhook configuration nor the leaf', () => {
  const unwritable = { ca: 'Secret latchkey-ca is immutable', serving: undefined };
  const nonConformant = { ...settled, ca: { ...caOf(['old']), isConformant: false }, unwritable };
  assert.equal(actionOf(nonConformant).kind, 'wait');
  assert.equal(
    actionOf({ ...nonConformant, webhook: { ...webhookOf(['old']), drifted: true } }).kind,
    'repair-webhook',
  );
  const { serving } = settled;
  assert.ok(serving !== undefined);
  const due = { ...serving, leaf: { ...serving.leaf, due: true } };
  assert.equal(actionOf({ ...nonConformant, serving: due }).kind, 'write-serving-secret');
  assert.equal(actionOf({ ...settled, ca: undefined, unwritable }).kind, 'wait');
});

test('a configuration that may not be read lets the leaf be renewed, and no CA be exchanged', () => {
  const unseen = { ...webhookOf([]), unmanagedReason: 'may not be read', isUnseen: true };
  const first = actionOf({ serving: undefined, webhook: unseen });
  assert.ok(first.kind === 'write-serving-secret');
  const due = servingOf('leaf-1', 'old', ['old']);
  const renewed = actionOf({ serving: { ...due, leaf: { ...due.leaf, due: true } }, webhook: unseen });
  assert.ok(renewed.kind === 'write-serving-secret');
  assert.deepEqual(renewed.leaf, { issue: true });
  const turned = ['next', 'old'];
  const switching = { ca: caOf(turned, { state: stateOf('switching', { rotation }) }), webhook: unseen };
  const kept = actionOf({ ...switching, serving: servingOf('leaf-1', 'old', turned) });
  assert.ok(kept.kind !== 'write-serving-secret' || 'id' in kept.leaf);
  const lost = actionOf({ ...switching, serving: undefined });
  assert.notEqual(lost.kind, 'write-serving-secret');
});
