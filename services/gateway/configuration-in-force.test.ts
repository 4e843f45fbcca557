import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { latchkeyConfigSchema } from '#shared/contracts/latchkey-config.ts';
import { holdConfiguration } from './configuration-in-force.ts';

const log = pino({ level: 'silent' });

test('a changed configuration is taken into use as a whole, or waits for a restart as a whole', () => {
  const begun = latchkeyConfigSchema.parse({});
  const chain = latchkeyConfigSchema.parse({ chain: ['k8s'] });
  const clientCa = latchkeyConfigSchema.parse({ chain: ['k8s'], webhook: { clientCa: '/ca.crt' } });
  const configuration = holdConfiguration(begun, log);
  configuration.reconfigure(clientCa);
  assert.equal(configuration.current(), begun);
  assert.match(configuration.remarks().join(), /webhook\.clientCa has changed/);
  configuration.reconfigure(chain);
  assert.deepEqual([configuration.current(), configuration.remarks()], [chain, []]);
});
