import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom } from '#testkit/properties/random.ts';
import { holdingConditions, nextAction } from '../../services/cert-manager/decide/next-action.ts';
import {
  createSteadyConditions,
  type SteadyConditions,
} from '../../services/cert-manager/decide/steady-conditions.ts';
import { longestObservationMs } from '../../services/cert-manager/observe/observe.ts';
import { createManager, ownOrder } from './model/manager.ts';
import { cacheMs, createWorld, drainMs, kubeletMs } from './model/world.ts';

const stepMs = 100;
const policy = { trustWaitMs: cacheMs + 1_000, connectionWaitMs: kubeletMs + drainMs, overlapMs: 0 };

/**
 * A rotation whose last wait has just begun when cert-manager stands still. A gateway that nobody has heard of becomes
 * ready with a leaf of the old CA meanwhile, and is gone when cert-manager goes on, but for connections of before.
 * Returns the served leaf that some API server may refuse, if any.
 */
function pauseInLastWait(count: () => SteadyConditions): string | undefined {
  const world = createWorld(2);
  const [, gateway = assert.fail()] = world.gateways;
  const manager = createManager(world, {
    decide: nextAction,
    holding: holdingConditions,
    view: (facts) => facts,
    reads: ownOrder,
    policy,
    count,
    longestObservationMs,
  });
  let violation: string | undefined;
  const until = (isDone: () => boolean): void => {
    const endMs = world.nowMs + 600_000;
    while (!isDone() && world.nowMs < endMs) {
      world.pass(stepMs);
      manager.act();
      violation ??= world.violation();
    }
    assert.ok(isDone(), `it does not come to that: ${JSON.stringify(world.ca)}`);
  };
  const pass = (ms: number): void => {
    const endMs = world.nowMs + ms;
    until(() => world.nowMs >= endMs);
  };

  until(() => world.serving?.state?.served === true);
  pass(kubeletMs);
  assert.ok(world.ca !== undefined);
  gateway.ready = false;
  world.putCa({ ...world.ca, request: 'asked' }, world.ca.version);
  const old = world.serving?.leaf;
  until(() => world.serving?.leaf !== old);
  world.restart(gateway, { ...createRandom(1), next: () => 1 });
  gateway.stopped = true;
  until(() => world.ca?.state.phase === 'retiring');
  pass(2_000);
  manager.pausedUntilMs = world.nowMs + 2 * policy.connectionWaitMs;
  gateway.ready = true;
  pass(2 * policy.connectionWaitMs - 2_000);
  world.restart(gateway, { ...createRandom(1), upTo: (limit) => limit - 1, next: () => 0 });
  until(() => world.ca?.state.phase === 'stable' && `${world.webhook.bundle}` === world.ca.issuing);
  return violation;
}

test('a cert-manager that stood still in its last wait waits anew', () => {
  assert.equal(pauseInLastWait(createSteadyConditions), undefined);
});

test('the model sees that one that goes on counting leaves a served leaf uncovered', () => {
  const ignoringPauses = (): SteadyConditions => {
    const since = new Map<string, number>();
    return {
      note: (conditions, monotonicMs) => {
        for (const condition of conditions) since.set(condition, since.get(condition) ?? monotonicMs);
        return (condition) => monotonicMs - (since.get(condition) ?? monotonicMs);
      },
    };
  };
  assert.match(pauseInLastWait(ignoringPauses) ?? '', /gateway-1 that was/);
});
