import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { desiredWebhookConfiguration } from '#shared/installation/webhook-configuration.ts';
import { type Cluster, startCluster } from '#testkit/cluster/cluster.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';

const name = '0-latchkey';
const resource = 'mutatingwebhookconfigurations';
let cluster: Cluster;

before(async () => {
  cluster = await startCluster({ admissionPlugins: ['OwnerReferencesPermissionEnforcement'] });
});
after(() => cluster.stop());

const becomes = (what: string, condition: () => Promise<boolean>) =>
  waitFor(condition, { timeoutMs: 60_000, what });

const read = () => cluster.harness.admissionRegistration.readMutatingWebhookConfiguration({ name });

async function isOwnerRefused(): Promise<boolean> {
  const events = await cluster.auditEvents();
  return events.some(
    ({ verb, objectRef, responseStatus }) =>
      verb === 'patch' && objectRef?.resource === resource && responseStatus?.code === 403,
  );
}

test('bundle and drift are repaired where the API server refuses the owner, which comes once it is allowed', async () => {
  const { webhook } = latchkeyConfigSchema.parse({});
  const stale = desiredWebhookConfiguration(webhook, 'latchkey', '');
  await cluster.kubectl(['create', '-f', '-'], JSON.stringify(stale));
  await cluster.startService('cert-manager');
  await becomes('the bundle of the CA', async () => {
    const { data } = await cluster.harness.core.readNamespacedSecret({
      namespace: 'latchkey',
      name: 'latchkey-ca',
    });
    const bundle = data?.['ca.crt'] ?? '';
    return bundle !== '' && (await read()).webhooks?.[0]?.clientConfig.caBundle === bundle;
  });
  await becomes('the owner to be refused', isOwnerRefused);
  assert.equal((await read()).metadata?.ownerReferences, undefined);

  const drift = [{ op: 'replace', path: '/webhooks/0/timeoutSeconds', value: 29 }];
  await cluster.kubectl(['patch', resource, name, '--type=json', '-p', JSON.stringify(drift)]);
  await becomes('the drift to be repaired', async () => (await read()).webhooks?.[0]?.timeoutSeconds !== 29);

  const allow = [{ op: 'add', path: '/rules/0/verbs/-', value: 'delete' }];
  const role = ['clusterrole', 'latchkey-cert-manager'];
  await cluster.kubectl(['patch', ...role, '--type=json', '-p', JSON.stringify(allow)]);
  await becomes('the owner', async () => (await read()).metadata?.ownerReferences?.length === 1);
});
