import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  authority,
  caOf,
  gateway,
  nowMs,
  policy,
  rotation,
  servingOf,
  settled,
  since,
  stateOf,
  stepOf,
  webhookOf,
} from '#testkit/certificates/rotation-examples.ts';
import { holdingConditions, nextStep } from './next-action.ts';
import { type Facts, newAuthority, serve, trusts, uncalled } from './rotation-facts.ts';

test('nothing is done when everything is right', () => {
  assert.deepEqual(stepOf({}), { write: undefined, recheckMs: undefined });
});

test('an empty cluster gets the CA, then the webhook configuration, then the leaf', () => {
  const nothing = {
    trusted: undefined,
    current: [],
    unmanagedReason: undefined,
    drifted: true,
    isBundleDeferred: false,
  };
  const ca = stepOf({ ca: undefined, serving: undefined, webhook: nothing });
  assert.ok(ca.write === 'ca');
  assert.deepEqual([ca.issuing, ca.bundle], [newAuthority, [newAuthority]]);
  const webhook = stepOf({ serving: undefined, webhook: nothing });
  assert.equal(webhook.write, 'webhook');
  const serving = stepOf({ serving: undefined, endpoints: [] });
  assert.ok(serving.write === 'serving');
  assert.deepEqual(serving.leaf, { issue: true });
});

test('a rotation goes through its phases, each when its condition holds, and writes the same bundle for the middle ones', () => {
  const asked = stepOf({ ca: caOf(['old'], { request: 'asked' }) });
  assert.ok(asked.write === 'ca');
  assert.deepEqual(
    [asked.state.phase, asked.state.handled, asked.bundle],
    ['distributing', 'asked', ['new', 'old']],
  );

  const both = ['next', 'old'];
  const distributing: Partial<Facts> = {
    ca: caOf(both, {
      issuing: authority('old'),
      next: authority('next'),
      state: stateOf('distributing', { rotation }),
    }),
    serving: servingOf('leaf-1', 'old', both),
  };
  const patched = stepOf(distributing);
  assert.deepEqual(patched.write === 'webhook' && patched.bundle, both);
  const early = stepOf({ ...distributing, webhook: webhookOf(both) }, 59_999);
  assert.ok(early.write === 'ca' && early.state.phase === 'distributing');
  const switched = stepOf({ ...distributing, webhook: webhookOf(both) }, 60_000);
  assert.ok(switched.write === 'ca');
  assert.deepEqual([switched.issuing, switched.next, switched.bundle], ['next', undefined, both]);

  const switching: Partial<Facts> = {
    ca: caOf(both, { state: stateOf('switching', { rotation }) }),
    serving: servingOf('leaf-1', 'old', both),
    webhook: webhookOf(both),
  };
  const issued = stepOf(switching, 60_000);
  assert.deepEqual(issued.write === 'serving' && issued.leaf, { issue: true });
  const notYet = stepOf(switching, 59_999);
  assert.equal(notYet.write, 'ca', 'only what it waits for is written');
  const named = stepOf({ ...switching, serving: servingOf('leaf-2', 'next', both, false) });
  assert.deepEqual(named.write === 'ca' && named.state.waitingFor, ['gateway-0']);
  const reported = { serving: servingOf('leaf-2', 'next', both), endpoints: [gateway('leaf-2')] };
  const retires = stepOf({ ...switching, ...reported });
  assert.equal(retires.write === 'ca' && retires.state.phase, 'retiring');

  const retiring = {
    ...switching,
    ...reported,
    ca: caOf(both, { state: stateOf('retiring', { rotation }) }),
  };
  const afterMs = nowMs + policy.overlapMs;
  const phaseAfter = (facts: Partial<Facts>, steadyMs: number) => {
    const step = stepOf(facts, steadyMs);
    return step.write === 'ca' ? step.state.phase : step.write;
  };
  assert.equal(phaseAfter({ ...retiring, nowMs: afterMs }, 119_999), 'retiring');
  assert.equal(phaseAfter({ ...retiring, nowMs: afterMs - 1 }, 120_000), 'retiring');
  assert.equal(phaseAfter({ ...retiring, nowMs: afterMs }, 120_000), 'stable');
});

test('an old CA is kept while the serving Secret holds a leaf of it', () => {
  const both = ['next', 'old'];
  const facts: Facts = {
    ...settled,
    ca: caOf(both, { state: stateOf('retiring', { rotation }) }),
    serving: servingOf('leaf-1', 'old', both),
    webhook: webhookOf(both),
    nowMs: nowMs + policy.overlapMs,
  };
  const step = nextStep(
    facts,
    (condition) => (condition === serve('leaf-1') ? policy.connectionWaitMs : 0),
    policy,
  );
  assert.ok(step.write === 'ca');
  assert.deepEqual([step.state.phase, step.bundle], ['retiring', both]);
});

test('a request is refused while a rotation runs, and while the configuration is left alone', () => {
  const paused = { ...webhookOf(['old']), unmanagedReason: 'paused' };
  const refused = stepOf({ ca: caOf(['old'], { request: 'asked' }), webhook: paused });
  assert.ok(refused.write === 'ca');
  assert.deepEqual(
    [refused.state.phase, refused.state.refused],
    ['stable', { id: 'asked', reason: 'paused' }],
  );
});

test('a requested leaf is made, or refused where its CA cannot be trusted', () => {
  const asked = { ...servingOf('leaf-1', 'old', ['old']), request: 'asked' };
  const made = stepOf({ serving: asked });
  assert.ok(made.write === 'serving');
  assert.deepEqual([made.leaf, made.state.handled, made.state.served], [{ issue: true }, 'asked', false]);

  const turned = ['next', 'old'];
  const untrusted: Partial<Facts> = {
    ca: caOf(turned, { state: stateOf('switching', { rotation }) }),
    serving: { ...servingOf('leaf-1', 'old', turned), request: 'asked' },
  };
  const paused = { ...webhookOf(['old']), unmanagedReason: 'paused' };
  const refused = stepOf({ ...untrusted, webhook: paused });
  assert.ok(refused.write === 'serving');
  assert.deepEqual(refused.state.refused, { id: 'asked', reason: 'paused' });
  assert.deepEqual(refused.leaf, { id: 'leaf-1', issuedAt: since });
});

test('a stable CA without a leaf says what it waits for, and looks again before the wait begins anew', () => {
  const paused = { ...webhookOf(['old', 'other']), unmanagedReason: 'paused' };
  const bare: Partial<Facts> = {
    lastKnownGood: { ca: caOf(['old']), leaf: undefined },
    serving: undefined,
    webhook: paused,
  };
  const waits = stepOf(bare);
  assert.ok(waits.write === 'ca');
  assert.match(waits.state.waitingFor.join(), /trustWaitSeconds/);
  const ca = caOf(['old'], { state: waits.state });
  assert.deepEqual(stepOf({ ...bare, ca }), { write: undefined, recheckMs: 2_000 });
  assert.equal(stepOf({ ...bare, ca }, policy.trustWaitMs).write, 'serving');
});

test('a rotation goes on where the API server has long been calling nobody', () => {
  const both = ['next', 'old'];
  const facts: Facts = {
    ...settled,
    ca: caOf(both, { issuing: authority('old'), next: authority('next'), state: stateOf('distributing') }),
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
    const steadyForMs = (condition: string) => (condition === uncalled ? uncalledMs : 0);
    const step = nextStep(facts, steadyForMs, policy);
    return step.write === 'ca' && step.state.phase;
  };
  assert.equal(phaseAfter(policy.trustWaitMs - 1), 'distributing');
  assert.equal(phaseAfter(policy.trustWaitMs), 'switching');
});

test('the conditions are what the API server is told to trust, and that every endpoint serves the leaf', () => {
  assert.deepEqual(holdingConditions(settled), [trusts('old'), serve('leaf-1')]);
  assert.deepEqual(holdingConditions({ ...settled, endpoints: [] }), [trusts('old')]);
  const webhook = { ...webhookOf([]), trusted: undefined };
  assert.deepEqual(holdingConditions({ ...settled, webhook }), [uncalled, serve('leaf-1')]);
});

test('a CA Secret that only an operator can write holds up neither the webhook configuration nor the leaf', () => {
  const unwritable = { ca: 'Secret latchkey-ca is immutable', serving: undefined };
  const untidy = { ...settled, ca: { ...caOf(['old']), tidy: false }, unwritable };
  assert.equal(stepOf(untidy).write, undefined);
  assert.equal(stepOf({ ...untidy, webhook: { ...webhookOf(['old']), drifted: true } }).write, 'webhook');
  const { serving } = settled;
  assert.ok(serving !== undefined);
  const due = { ...serving, leaf: { ...serving.leaf, due: true } };
  assert.equal(stepOf({ ...untidy, serving: due }).write, 'serving');
  assert.equal(stepOf({ ...settled, ca: undefined, unwritable }).write, undefined);
});
