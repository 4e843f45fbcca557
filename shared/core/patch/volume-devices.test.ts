import assert from 'node:assert/strict';
import { test } from 'node:test';
import { admitReview } from '#shared/core/admission/admit.ts';
import type { Rules } from '#shared/core/rules/chain.ts';
import { aPod, aReview, mountNumber, someRules } from '#testkit/pods/a-pod.ts';

/** A block device of the pod is a file at its path, which the API server lets no mount share. */
const k8s = someRules({ chain: ['k8s'] }, { k8s: { ns: { db: ['k'] } } });
const file = { group: 'db', key: 'k', mountRequirement: mountNumber.file };

function answerTo(devicePath: unknown, rules: Rules = k8s, name = 'disk') {
  const volumes = [{ name: 'disk', persistentVolumeClaim: { claimName: 'c' } }];
  const containers = [{ name: 'main', volumeDevices: [{ name, devicePath }] }];
  const admission = admitReview(aReview(aPod({ asks: [file], spec: { containers, volumes } })), rules);
  const { response } = 'response' in admission.response ? admission.response : {};
  return { outcome: admission.code ?? admission.outcome, message: response?.status?.message };
}

test('a block device at, above or inside the folder of a secret is refused by its name', () => {
  const inside = [
    '/etc/flyte/secrets/db',
    '/etc/flyte/secrets/db/',
    '/etc/flyte/secrets/db/k',
    '/etc/flyte/secrets/db/x',
  ];
  for (const path of ['/etc', '/etc/flyte/secrets', '/etc/./flyte/x/..', ...inside]) {
    assert.equal(answerTo(path).outcome, 'PATH_CLASH', path);
  }
  assert.equal(
    answerTo('/etc/flyte/secrets/db').message,
    'container "main" has the device "disk" at "/etc/flyte/secrets/db", where secret "db/k" belongs: mount it elsewhere [PATH_CLASH]',
  );
  assert.equal(
    answerTo('/etc/flyte').message,
    'container "main" has the device "disk" at "/etc/flyte", where the folder "/etc/flyte/secrets/db" of secret "db/k" cannot be made, for it is a device: mount it elsewhere [PATH_CLASH]',
  );
});

test('a block device elsewhere is left alone', () => {
  for (const path of ['/dev/xvda', '/etc/flyte/secret', '/etc/flyte/secrets/api', '', null, undefined]) {
    assert.equal(answerTo(path).outcome, 'injected', `${path}`);
  }
});

test('a device path that is no text, or longer than any, is refused by its field', () => {
  assert.match(answerTo(7).message ?? '', /spec\.containers\[0\]\.volumeDevices\[0\]\.devicePath/);
  assert.match(answerTo(`/${'x'.repeat(5_000)}`).message ?? '', /shorten its devicePath/);
});
