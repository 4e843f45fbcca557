import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { stringify } from 'yaml';
import { snapshotSecretNames } from '#shared/contracts/kubernetes/rules-snapshot.ts';
import {
  type Authority,
  createAuthority,
  issueCertificate,
} from '#testkit/certificates/certificate-authority.ts';
import { installationNamespace } from '#testkit/cluster/manifests.ts';
import { sendToGateway } from '#testkit/gateway/send-to-gateway.ts';
import { createPod } from '#testkit/installation/create-pod.ts';
import {
  askingPod,
  type InlineInstallation,
  startInlineInstallation,
  whileAsking,
} from '#testkit/installation/inline-installation.ts';
import { restart } from '#testkit/installation/until-restarted.ts';
import { freePorts } from '#testkit/processes/free-ports.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';

const value = 'the value';
const clientCa = '/etc/latchkey/client-ca/ca.crt';
const k8s = { inventory: 'open' } as const;
let inline: InlineInstallation;
before(async () => {
  inline = await startInlineInstallation({ 'team/token': value }, { config: { k8s } });
});
after(() => inline?.stop());

/** Runs a service that is expected to end by itself; resolves with its end. */
async function runService(
  service: string,
  configuration: string,
): Promise<{ code: number | string | null | undefined; stderr: string }> {
  const [port] = await freePorts(1);
  const env = { LATCHKEY_CONFIG: configuration, HEALTH_PORT: `${port}` };
  const program = `${import.meta.dirname}/../../services/${service}/main.ts`;
  return new Promise((resolve) => {
    execFile(process.execPath, [program], { env, timeout: 20_000 }, (error, _stdout, stderr) =>
      resolve({ code: error === null ? 0 : error.code, stderr }),
    );
  });
}

/** Makes the API server show a certificate of the authority to the gateway's Service; returns the file that says so. */
async function writeAdmissionConfiguration(folder: string, authority: Authority): Promise<string> {
  const identity = await issueCertificate(authority, 'kube-apiserver');
  const user = { 'client-certificate': identity.certificateFile, 'client-key': identity.keyFile };
  const kubeConfigFile = join(folder, 'webhook-client.kubeconfig');
  const users = [{ name: 'flyte-pod-webhook.latchkey.svc:9443', user }];
  await writeFile(kubeConfigFile, stringify({ apiVersion: 'v1', kind: 'Config', users }));
  const configuration = {
    apiVersion: 'apiserver.config.k8s.io/v1',
    kind: 'WebhookAdmissionConfiguration',
    kubeConfigFile,
  };
  const path = join(folder, 'admission.yaml');
  const plugins = [{ name: 'MutatingAdmissionWebhook', configuration }];
  const text = stringify({
    apiVersion: 'apiserver.config.k8s.io/v1',
    kind: 'AdmissionConfiguration',
    plugins,
  });
  await writeFile(path, text);
  return path;
}

test('with an open inventory too, discovery asks the API server for its Lease and its snapshot alone', async () => {
  const { cluster } = inline.installation;
  await waitFor(async () => (await createPod(cluster, askingPod('served'), { dryRun: true })).admitted, {
    timeoutMs: 20_000,
    what: 'a pod to be admitted',
  });
  const events = await cluster.auditEvents();
  assert.ok(events.some(({ user }) => user.username === 'system:serviceaccount:latchkey:cert-manager'));
  const asked = events.flatMap(({ user, objectRef }) =>
    user.username === 'system:serviceaccount:latchkey:discovery'
      ? [`${objectRef?.resource} ${objectRef?.name ?? 'any'}`]
      : [],
  );
  const own = ['leases latchkey-discovery', ...snapshotSecretNames.map((name) => `secrets ${name}`)];
  assert.ok(asked.includes('leases latchkey-discovery'));
  assert.deepEqual(
    asked.filter((each) => !own.includes(each)),
    [],
  );
});

test('inline delivery is refused at start while anybody could ask for values', async () => {
  const { cluster } = inline.installation;
  const path = join(cluster.folder, 'refused.yaml');
  await writeFile(path, stringify({ global: { delivery: 'inline' } }));
  for (const service of ['discovery', 'gateway', 'resolver']) {
    const { code, stderr } = await runService(service, path);
    assert.equal(code, 1, service);
    assert.match(stderr, /global\.delivery: "inline".*webhook\.clientCa.*acceptNetworkPolicyOnly/);
  }
});

test('with webhook.clientCa the API server is answered, and whoever has no certificate is refused in TLS', async (t) => {
  const { cluster, gateways } = inline.installation;
  const authority = await createAuthority(cluster.folder, 'webhook-callers');
  await cluster.harness.core.createNamespacedConfigMap({
    namespace: installationNamespace,
    body: {
      metadata: { name: 'latchkey-client-ca' },
      data: { 'ca.crt': await readFile(authority.certificateFile, 'utf8') },
    },
  });
  await cluster.stopApiServer();
  await cluster.startApiServer(await writeAdmissionConfiguration(cluster.folder, authority));
  const [first] = gateways;
  assert.ok(first);
  assert.match(await sendToGateway(first, '/mutate--v1-pod', 'application/json', '{}'), /^4/);
  const { answers, failed } = await whileAsking(cluster, value, async () => {
    await cluster.configure({ k8s, global: { delivery: 'inline' }, webhook: { clientCa } });
    for (const gateway of gateways) {
      const remark = async () =>
        (await (await fetch(`http://127.0.0.1:${gateway.ports.health}/readyz`)).text()).includes(
          'webhook.clientCa',
        );
      await waitFor(remark, {
        timeoutMs: 20_000,
        what: `${gateway.name} to say that it has to be restarted`,
      });
    }
    for (const gateway of gateways) await restart(gateway, 'SIGTERM');
  });
  t.diagnostic(`${answers} admissions while the gateways were rolled, ${failed.length} failed`);
  assert.deepEqual(failed, []);
  for (const gateway of gateways) {
    await assert.rejects(
      sendToGateway(gateway, '/mutate--v1-pod', 'application/json', '{}'),
      /certificate required|ECONNRESET/i,
    );
  }
  assert.ok((await createPod(cluster, askingPod('verified'), { dryRun: true })).admitted);
});
