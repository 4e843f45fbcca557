import assert from 'node:assert/strict';
import { after, before, type TestContext, test } from 'node:test';
import type { AdmissionLoad } from '#testkit/load/admission-load.ts';
import { answeredBy, seesUntrusted } from '#testkit/load/failure-rows.ts';
import {
  apiServerClients,
  type LoadInstallation,
  startLoadInstallation,
  webhookClients,
} from '#testkit/load/load-installation.ts';
import { rotateNaively, stopCertManagers } from '#testkit/load/rotate-naively.ts';
import { type RotationKind, rotate, shortWaits } from '#testkit/load/rotation.ts';

// `npm run bench:rotations` does 1,000 and 100.
const order: readonly RotationKind[] = ['leaf', 'ca', 'leaf', 'leaf', 'ca'];
/** Most of them over new connections, each of which sees the leaf of the moment. */
const clients = [...webhookClients(40, 0.75), ...apiServerClients(15)];

let installation: LoadInstallation;

before(async () => {
  installation = await startLoadInstallation({ config: { tls: { rotation: shortWaits } } });
});
after(() => installation?.stop());

/** Lets a load run beside `body`. */
async function underLoad(
  t: TestContext,
  body: () => Promise<void>,
): Promise<ReturnType<AdmissionLoad['failures']>> {
  const load = await installation.startLoad(clients);
  await load.untilAnswered(5);
  await body();
  await load.untilAnswered(5);
  const summary = await load.stop();
  const failures = load.failures();
  t.diagnostic(
    `${answeredBy(summary)} answered, ${failures.length} failed, ${summary.bundles} bundles trusted`,
  );
  return failures;
}

test('rotations of the leaf and of the CA under load lose no admission', async (t) => {
  const failures = await underLoad(t, async () => {
    for (const [index, kind] of order.entries()) {
      const tookMs = await rotate(installation.cluster, kind, `test-${index}`);
      t.diagnostic(`${kind}: ${Math.round(tookMs)} ms`);
    }
  });
  assert.deepEqual(failures, []);
});

test('the same load sees that a bundle which is replaced at once loses admissions', async (t) => {
  await stopCertManagers(installation);
  const failures = await underLoad(t, () => rotateNaively(installation));
  assert.ok(seesUntrusted(clients, failures));
});
