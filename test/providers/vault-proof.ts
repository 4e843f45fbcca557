import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before } from 'node:test';
import type { Cluster } from '#testkit/cluster/cluster.ts';
import { installationNamespace } from '#testkit/cluster/manifests.ts';
import type { AskedSecret } from '#testkit/pods/task-pod.ts';
import { type ClosedInstallation, provesExistence, startClosedInstallation } from './existence-flow.ts';
import { baoCall, openbaoProgram } from './openbao.ts';
import type { RunningProvider } from './provider-program.ts';

// `vault.inventory: closed` on the real API server; Vault is OpenBao. The resolver logs in with its ServiceAccount, which
// OpenBao checks with that API server, and may list names and nothing else.
let running: ClosedInstallation;
let reviewer: { host: string; authority: string; token: string };
const account = 'resolver-vault';
const listOnly = 'path "secret/metadata/*" { capabilities = ["list"] }';

const startBao = (provider: RunningProvider): Promise<void> =>
  provider.start(async (direct) => {
    await baoCall(direct, 'POST', 'secret/data/team/database', { data: { password: 'value of a test' } });
    await baoCall(direct, 'POST', 'sys/policies/acl/list-names', { policy: listOnly });
    await baoCall(direct, 'POST', 'sys/auth/kubernetes', { type: 'kubernetes' });
    await baoCall(direct, 'POST', 'auth/kubernetes/config', {
      kubernetes_host: reviewer.host,
      kubernetes_ca_cert: reviewer.authority,
      token_reviewer_jwt: reviewer.token,
      disable_local_ca_jwt: true,
    });
    await baoCall(direct, 'POST', 'auth/kubernetes/role/latchkey', {
      bound_service_account_names: account,
      bound_service_account_namespaces: installationNamespace,
      policies: 'list-names',
    });
  });

/** A token of the ServiceAccount, in a file as a projected volume has it. */
async function tokenOf(cluster: Cluster, name: string): Promise<string> {
  const { status } = await cluster.harness.core.createNamespacedServiceAccountToken({
    namespace: installationNamespace,
    name,
    body: { spec: { audiences: [], expirationSeconds: 3_600 } },
  });
  return status?.token ?? '';
}

const tokenFile = (cluster: Cluster): string => join(cluster.folder, 'vault-token');

before(async () => {
  running = await startClosedInstallation({
    manager: 'vault',
    program: await openbaoProgram(),
    prepare: async (cluster) => {
      await letReviewTokens(cluster);
      await writeFile(tokenFile(cluster), await tokenOf(cluster, account), { mode: 0o600 });
      reviewer = {
        host: cluster.server,
        authority: cluster.authority,
        token: await tokenOf(cluster, 'vault-reviewer'),
      };
    },
    start: startBao,
    config: ({ endpoint }, cluster) => ({
      vault: {
        inventory: 'closed',
        provider: {
          address: endpoint,
          refreshSeconds: 1,
          auth: { kubernetes: { role: 'latchkey', tokenFile: tokenFile(cluster) } },
        },
      },
    }),
  });
});
after(() => running?.stop());

/** What Vault itself may do in a cluster: ask whose a token is. */
async function letReviewTokens({ harness }: Cluster): Promise<void> {
  const name = 'vault-reviewer';
  const namespace = installationNamespace;
  await harness.core.createNamespacedServiceAccount({ namespace, body: { metadata: { name } } });
  await harness.rbac.createClusterRoleBinding({
    body: {
      metadata: { name },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'system:auth-delegator' },
      subjects: [{ kind: 'ServiceAccount', name, namespace }],
    },
  });
}

const inDatabase = (group: string): AskedSecret => ({ group, key: 'password' });

provesExistence({
  running: () => running,
  start: startBao,
  lasting: () => inDatabase('secret/data/team/database'),
  misspelt: () => ({
    asked: inDatabase('secret/data/team/databse'),
    suggested: 'secret/data/team/database',
  }),
  create: async ({ direct }) => {
    await baoCall(direct(), 'POST', 'secret/data/team/folder/token', { data: { token: 'value of a test' } });
    return { group: 'secret/data/team/folder/token', key: 'token' };
  },
  remove: async ({ direct }) => {
    await baoCall(direct(), 'DELETE', 'secret/metadata/team/folder/token');
  },
});
