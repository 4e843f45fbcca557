import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { createGatewayConfiguration } from './gateway-configuration.ts';

const log = pino({ level: 'silent' });

test('a changed configuration is taken into use as a whole, or waits for a restart as a whole', () => {
  const begun = latchkeyConfigSchema.parse({});
  const chain = latchkeyConfigSchema.parse({ chain: ['k8s'] });
  const clientCa = latchkeyConfigSchema.parse({ chain: ['k8s'], webhook: { clientCa: '/ca.crt' } });
  const configuration = createGatewayConfiguration(begun, log);
  configuration.reconfigure(clientCa);
  assert.equal(configuration.current(), begun);
  assert.match(configuration.remarks().join(), /webhook\.clientCa has changed/);
  configuration.reconfigure(chain);
  assert.deepEqual([configuration.current(), configuration.remarks()], [chain, []]);
});

test('what the TLS server, the key ring and the readers were started with stays until a restart, and that is said', () => {
  const changed = latchkeyConfigSchema.parse({
    global: { keyRingDir: '/other' },
    webhook: { clientCa: '/ca.crt' },
    k8s: { inventory: 'open' },
    limits: { managerMiB: 64 },
  });
  const configuration = createGatewayConfiguration(latchkeyConfigSchema.parse({}), log);
  configuration.reconfigure(changed);
  assert.deepEqual(
    configuration.remarks().map((reason) => reason.split(' ')[0]),
    ['webhook.clientCa', 'global.keyRingDir', 'limits.managerMiB'],
  );
  const same = createGatewayConfiguration(changed, log);
  same.reconfigure(changed);
  assert.deepEqual(same.remarks(), []);
});
