import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultConfig } from '#testkit/installation/default-config.ts';
import { createChainChange } from './chain-change.ts';

/** A gateway with the chain global, k8s, whose clock is moved by hand. */
function aGateway() {
  let nowMs = 0;
  const tasks = new Set<() => void>();
  const complete = new Set(['global', 'k8s']);
  const state = { config: defaultConfig, followed: defaultConfig.chain };
  const change = createChainChange({
    current: () => state.config,
    reconfigure: (next) => {
      state.config = next;
    },
    follow: (managers) => {
      state.followed = [...managers];
    },
    isComplete: (manager) => complete.has(manager),
    clock: {
      monotonicMs: () => nowMs,
      every: (_ms, task) => {
        tasks.add(task);
        return () => tasks.delete(task);
      },
    },
  });
  const pass = (ms: number): void => {
    nowMs += ms;
    for (const task of tasks) task();
  };
  return { state, change, complete, pass, tasks };
}
const withChain = (...chain: string[]) => ({ ...defaultConfig, chain });

test('a manager that comes into the chain is asked once its rules are there', () => {
  const { state, change, complete, pass, tasks } = aGateway();
  change.to(withChain('aws', 'k8s'));
  pass(50);
  assert.deepEqual(
    [state.config.chain, state.followed],
    [
      ['global', 'k8s'],
      ['global', 'k8s', 'aws'],
    ],
  );
  complete.add('aws');
  pass(50);
  assert.deepEqual(
    [state.config.chain, state.followed],
    [
      ['aws', 'k8s'],
      ['aws', 'k8s'],
    ],
  );
  assert.equal(tasks.size, 0);
});

test('a manager without rules holds a change up no longer than 5 s, one that leaves not at all', () => {
  const { state, change, pass } = aGateway();
  change.to(withChain('global', 'k8s', 'vault'));
  pass(4_999);
  assert.deepEqual(state.config.chain, ['global', 'k8s']);
  pass(1);
  assert.deepEqual(state.config.chain, ['global', 'k8s', 'vault']);
  change.to(withChain('k8s'));
  assert.deepEqual([state.config.chain, state.followed], [['k8s'], ['k8s']]);
});

test('the last of several changes comes into force', () => {
  const { state, change, pass, tasks } = aGateway();
  change.to(withChain('aws'));
  change.to(withChain('k8s'));
  pass(10_000);
  assert.deepEqual([state.config.chain, state.followed, tasks.size], [['k8s'], ['k8s'], 0]);
});
