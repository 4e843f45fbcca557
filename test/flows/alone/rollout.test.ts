import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { LoadClient } from '#testkit/load/admission-load.ts';
import { answeredBy } from '#testkit/load/failure-rows.ts';
import { failureCause, killGateway } from '#testkit/load/gateway-kill.ts';
import {
  type LoadInstallation,
  startLoadInstallation,
  webhookClients,
} from '#testkit/load/load-installation.ts';
import { gatewaysOf, rollingRestart } from '#testkit/load/rolling-restart.ts';

/** In a cluster the news of a pod that is going away takes about so long to reach every node. */
const noticeMs = 300;
const clients: readonly LoadClient[] = webhookClients(250);

let installation: LoadInstallation;

before(async () => {
  installation = await startLoadInstallation({ noticeMs });
});
after(() => installation?.stop());

test('a rolling restart of three gateways under load loses no request', async (t) => {
  const load = await installation.startLoad(clients);
  await load.untilAnswered(50);
  const { unclean } = await rollingRestart(installation);
  await load.untilAnswered(50);
  const summary = await load.stop();
  t.diagnostic(`${answeredBy(summary)} answered`);
  assert.deepEqual(unclean, []);
  assert.deepEqual(load.failures(), []);
  assert.ok(answeredBy(summary) > 1_000, `only ${answeredBy(summary)} answered`);
});

test('of a gateway that is killed under load only its own requests fail', async (t) => {
  const load = await installation.startLoad(clients);
  await load.untilAnswered(50);
  const [victim] = gatewaysOf(installation);
  assert.ok(victim !== undefined);
  const kill = await killGateway(installation.cluster, victim);
  await load.untilAnswered(50);
  const summary = await load.stop();
  const failures = load
    .failures()
    .map((failure) => ({ ...failure, cause: failureCause(failure, installation.connections(), [kill]) }));
  t.diagnostic(`${answeredBy(summary)} answered, ${failures.length} failed`);
  assert.deepEqual(
    failures.filter(({ cause }) => cause === 'unexplained'),
    [],
  );
});
