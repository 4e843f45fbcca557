import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { certificateId, readBundle } from '#shared/certificates/ca-bundle.ts';
import { rotateAnnotation } from '#shared/contracts/kubernetes/rotation-state.ts';
import { createEndpoint } from './an-installation.ts';
import { useInstallations } from './use-installations.ts';

const installations = useInstallations();

const isSignedBy = (leaf: string, ca: string): boolean =>
  new X509Certificate(leaf).verify(new X509Certificate(ca).publicKey);

test('an empty cluster gets a CA, a leaf of it and the webhook that trusts it', async () => {
  const installation = await installations.startReady('fresh');
  const [ca, serving] = [await installation.readCa(), await installation.readServing()];
  assert.ok(isSignedBy(serving.certificate, ca.certificate));
  assert.equal(serving.bundle, ca.certificate);
  assert.equal(await installation.readTrusted(), ca.certificate);
});

test('a restart changes nothing', async () => {
  const installation = await installations.startReady('restarted');
  const before = [await installation.readCa(), await installation.readServing()];
  const written = () => installation.logged.filter((line) => /(CA|serving) Secret written/.test(line)).length;
  const writtenBefore = written();
  await installation.stop();
  await installation.start();
  await installation.becomesReady();
  assert.deepEqual([await installation.readCa(), await installation.readServing()], before);
  assert.notEqual(writtenBefore, 0);
  assert.equal(written(), writtenBefore);
});

test('a CA Secret that was deleted and applied again is filled from memory', async () => {
  const installation = await installations.startReady('ca-deleted');
  const { certificate, key, uid } = await installation.readCa();
  await installation.deleteSecret('latchkey-ca');
  await installation.becomes('the CA Secret again', async () => {
    const restored = await installation.readCa();
    return restored.uid !== uid && restored.certificate !== '';
  });
  const restored = await installation.readCa();
  assert.deepEqual([restored.certificate, restored.key], [certificate, key]);
});

test('input 48: a CA Secret edited by hand into one that does not work is refused, told, and put right', async () => {
  const installation = await installations.startReady('ca-garbage');
  const { certificate, key } = await installation.readCa();
  const serving = await installation.readServing();
  await installation.patchSecret('latchkey-ca', { data: { 'tls.key': 'Z2FyYmFnZQ==' } });
  await installation.becomes('the key again', async () => (await installation.readCa()).key === key);
  assert.equal((await installation.readCa()).certificate, certificate);
  assert.deepEqual(await installation.readServing(), serving);
  assert.ok(installation.logged.some((line) => line.includes('CA Secret refused')));
});

test('a CA that is lost for good is replaced, and the one still in use stays trusted', async () => {
  const installation = await installations.startReady('ca-lost');
  const old = await installation.readCa();
  await installation.stop();
  await installation.deleteSecret('latchkey-ca');
  await installation.start();
  await installation.becomes('a leaf of the new CA', async () => {
    const [ca, serving] = [await installation.readCa(), await installation.readServing()];
    return isSignedBy(serving.certificate, ca.certificate);
  });
  const ca = await installation.readCa();
  assert.notEqual(ca.certificate, old.certificate);
  for (const bundle of [await installation.readTrusted(), (await installation.readServing()).bundle]) {
    assert.deepEqual(
      readBundle(bundle).map((each) => each.toString()),
      [ca.certificate, old.certificate],
    );
  }
});

test('an installation over the webhook configuration of an earlier one has a leaf at once', async () => {
  // Longer than any test waits.
  const rotation = { trustWaitSeconds: 600 };
  const installation = await installations.startReady('reinstalled', {}, { rotation });
  const earlier = await installation.readCa();
  await installation.stop();
  for (const secret of ['latchkey-ca', 'flyte-pod-webhook-secret']) await installation.deleteSecret(secret);
  await installation.start();
  await installation.becomes('a leaf of the new CA', async () => {
    const [ca, serving] = [await installation.readCa(), await installation.readServing()];
    return ca.certificate !== earlier.certificate && isSignedBy(serving.certificate, ca.certificate);
  });
  assert.ok((await installation.readTrusted()).includes(earlier.certificate));
});

test('a CA that an operator brings is used, and the one before it stays trusted', async () => {
  const [installation, donor] = [
    await installations.startReady('ca-brought'),
    await installations.startReady('ca-donor'),
  ];
  const [old, brought] = [await installation.readCa(), await donor.readCa()];
  const encode = (text: string): string => Buffer.from(text).toString('base64');
  await installation.patchSecret('latchkey-ca', {
    data: { 'tls.crt': encode(brought.certificate), 'tls.key': encode(brought.key) },
  });
  await installation.becomes('a leaf of that CA', async () =>
    isSignedBy((await installation.readServing()).certificate, brought.certificate),
  );
  assert.ok((await installation.readTrusted()).includes(old.certificate));
});

test('the CA before one that an operator brings while nobody looks stays trusted', async () => {
  const [installation, donor] = [
    await installations.startReady('ca-brought-unseen'),
    await installations.startReady('ca-donor-unseen'),
  ];
  const [old, brought] = [await installation.readCa(), await donor.readCa()];
  await installation.stop();
  const encode = (text: string): string => Buffer.from(text).toString('base64');
  const data = {
    'tls.crt': encode(brought.certificate),
    'tls.key': encode(brought.key),
    'ca.crt': encode(brought.certificate),
  };
  await installation.patchSecret('latchkey-ca', { data });
  await installation.start();
  await installation.becomes('a leaf of that CA', async () =>
    isSignedBy((await installation.readServing()).certificate, brought.certificate),
  );
  assert.ok((await installation.readTrusted()).includes(old.certificate));
  assert.ok((await installation.readServing()).bundle.includes(old.certificate));
});

test('a serving Secret that was deleted and applied again, torn or made immutable is put right with the same leaf', async () => {
  const installation = await installations.startReady('leaf-broken');
  const { certificate, key, uid } = await installation.readServing();
  const isRight = async (): Promise<boolean> => {
    const serving = await installation.readServing();
    return serving.certificate === certificate && serving.key === key;
  };
  await installation.deleteSecret('flyte-pod-webhook-secret');
  await installation.becomes('the deleted leaf', isRight);
  await installation.patchSecret('flyte-pod-webhook-secret', { data: { 'tls.crt': 'Z2FyYmFnZQ==' } });
  await installation.becomes('the torn leaf', isRight);
  await installation.patchSecret('flyte-pod-webhook-secret', { data: { 'tls.key': '' }, immutable: true });
  await installation.becomes('what an operator has to do', async () =>
    installation.notReady().some((reason) => /is immutable: delete it; apply deploy/.test(reason)),
  );
  await installation.deleteSecret('flyte-pod-webhook-secret');
  await installation.becomes('the leaf that was immutable', isRight);
  assert.notEqual((await installation.readServing()).uid, uid);
});

test('input 51: the leaf is renewed at two thirds of its life, and not before', async () => {
  const installation = await installations.startReady('leaf-renewed');
  const { certificate } = await installation.readServing();
  const startMs = Date.now();
  const lifetimeMs = installation.config.tls.leafLifetimeDays * 86_400_000;
  installation.clock.moveTo(startMs + (lifetimeMs * 2) / 3 - 3_600_000);
  // Another change, so that it is known to have looked again.
  await installation.deleteSecret('latchkey-ca');
  await installation.becomes('the CA Secret', async () => Boolean((await installation.readCa()).uid));
  assert.equal((await installation.readServing()).certificate, certificate);
  installation.clock.moveTo(startMs + (lifetimeMs * 2) / 3 + 3_600_000);
  await installation.becomes(
    'a new leaf',
    async () => (await installation.readServing()).certificate !== certificate,
  );
  const [ca, serving] = [await installation.readCa(), await installation.readServing()];
  assert.ok(isSignedBy(serving.certificate, ca.certificate));
});

test('the CA is renewed at a fraction of its life, and the old one goes when every endpoint has switched', async () => {
  const installation = await installations.startReady('ca-renewed');
  const old = await installation.readCa();
  const uid = await createEndpoint(installations.cluster(), 'ca-renewed', 'gateway-0');
  installation.clock.moveTo(Date.now() + 250 * 86_400_000);
  await installation.becomes('a leaf of the next CA', async () => {
    const [ca, serving] = [await installation.readCa(), await installation.readServing()];
    const isNew = ca.certificate !== old.certificate;
    return isNew && isSignedBy(serving.certificate, ca.certificate);
  });
  assert.ok((await installation.readTrusted()).includes(old.certificate));
  const { certificate } = await installation.readServing();
  installation.report(uid, certificateId(new X509Certificate(certificate)));
  await installation.becomes(
    'the old CA to be dropped',
    async () => !(await installation.readTrusted()).includes(old.certificate),
  );
  assert.equal(await installation.readTrusted(), (await installation.readCa()).certificate);
});

test('a clock that jumps back a day makes one new leaf, and none when it jumps forth again', async () => {
  const installation = await installations.startReady('clock-jump');
  const dayMs = 86_400_000;
  const leaf = async () => (await installation.readServing()).certificate;
  installation.clock.moveTo(Date.now() + 2 * dayMs);
  await installation.patchSecret('flyte-pod-webhook-secret', {
    metadata: { annotations: { [rotateAnnotation]: 'now' } },
  });
  const old = await leaf();
  await installation.becomes('a leaf of that time', async () => (await leaf()) !== old);
  const future = await leaf();
  installation.clock.moveTo(Date.now() + dayMs);
  await installation.becomes('a leaf that is valid', async () => (await leaf()) !== future);
  const current = await leaf();
  for (const days of [2, 1, 3, 1.5]) {
    installation.clock.moveTo(Date.now() + days * dayMs);
    // Another change, so that it is known to have looked again.
    const { uid: before } = await installation.readCa();
    await installation.deleteSecret('latchkey-ca');
    await installation.becomes('the CA', async () => (await installation.readCa()).uid !== before);
    assert.equal(await leaf(), current);
  }
});

test('a CA that expired while nobody looked is replaced, and not trusted any more', async () => {
  const installation = await installations.startReady('ca-expired');
  const old = await installation.readCa();
  await installation.stop();
  installation.clock.moveTo(Date.now() + 400 * 86_400_000);
  await installation.start();
  await installation.becomesReady();
  const [ca, serving] = [await installation.readCa(), await installation.readServing()];
  assert.notEqual(ca.certificate, old.certificate);
  assert.ok(isSignedBy(serving.certificate, ca.certificate));
  assert.equal(await installation.readTrusted(), ca.certificate);
});

test('input 47: two cert-managers that start at once agree on one CA', async () => {
  const installation = await installations.add('two-at-once');
  await Promise.all([installation.start(), installation.start()]);
  await installation.becomesReady();
  const [ca, serving] = [await installation.readCa(), await installation.readServing()];
  assert.ok(isSignedBy(serving.certificate, ca.certificate));
  assert.ok((await installation.readTrusted()).includes(ca.certificate));
});

test('no private key is in any log line', async () => {
  const keys = await Promise.all(installations.all().flatMap((each) => [each.readCa(), each.readServing()]));
  const logged = installations
    .all()
    .flatMap((each) => each.logged)
    .join('');
  assert.ok(logged.includes('CA Secret written'));
  for (const { key } of keys) {
    const [, firstLine = assert.fail()] = key.split('\n');
    assert.equal(logged.includes(firstLine), false);
    assert.equal(logged.includes(Buffer.from(key).toString('base64').slice(60, 120)), false);
  }
});
