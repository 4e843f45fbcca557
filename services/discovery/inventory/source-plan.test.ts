import assert from 'node:assert/strict';
import { test } from 'node:test';
import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { planSources } from './source-plan.ts';

const plan = (config: object) => planSources(latchkeyConfigSchema.parse(config));
const open = { inventory: 'open' };
const inline = {
  global: { delivery: 'inline' },
  webhook: { clientCa: '/etc/latchkey/client-ca/ca.crt' },
};

test('by default Secrets are listed, globals are copied, and namespaces are watched for their labels', () => {
  assert.deepEqual(plan({}), { listsSecrets: true, globals: 'reference', namespaces: 'watched' });
});

test('what is not in the chain is not looked at', () => {
  assert.deepEqual(plan({ chain: ['aws'] }), {
    listsSecrets: false,
    globals: undefined,
    namespaces: undefined,
  });
  assert.equal(plan({ chain: ['global'] }).listsSecrets, false);
});

test('an open inventory and inline delivery need nothing of Kubernetes', () => {
  assert.deepEqual(plan({ ...inline, k8s: open }), {
    listsSecrets: false,
    globals: 'inline',
    namespaces: undefined,
  });
});

test('namespaces given by name are watched only where copies are written to them', () => {
  const names = { namespaces: { names: ['a', 'b'] } };
  assert.deepEqual(plan({ chain: ['k8s'], k8s: names }).namespaces, ['a', 'b']);
  assert.equal(plan({ k8s: names }).namespaces, 'watched');
});
