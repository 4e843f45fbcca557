import { mkdir, writeFile } from 'node:fs/promises';
import { get } from 'node:https';
import { join } from 'node:path';
import type { V1MutatingWebhook } from '@kubernetes/client-node';
import {
  generateRsaKeys,
  issueCaCertificate,
  issueLeafCertificate,
} from '#shared/certificates/issue-certificate.ts';
import type { Cluster } from '#testkit/cluster/cluster.ts';
import { freePorts } from '#testkit/processes/free-ports.ts';
import { startGuardedProcess, waitUntilUp } from '#testkit/processes/guarded-process.ts';
import { requireMountNamespace, withFolderAt } from '#testkit/processes/mount-namespace.ts';
import { cacheFolder } from '#tools/cache-folder.ts';
import { buildGoProgram } from '#tools/go-program.ts';
import { createProgress } from '#tools/progress.ts';
import { vaultInjector } from '#tools/vault-k8s/vault-injector.ts';

const hourMs = 3_600_000;
const startTimeoutMs = 30_000;
const account = 'vault-agent-injector';
const namespace = 'vault';

/** HashiCorp's own injector, running; `register` makes the API server call it. */
export interface VaultInjector {
  /** Adds its webhook as Vault's chart does. Configurations are called in the order of their names. */
  register(configurationName: string, policy: V1MutatingWebhook['reinvocationPolicy']): Promise<void>;
  readLog(): Promise<string>;
}

/** Builds it when it is not in the cache yet (minutes), and starts it as `vault-k8s agent-inject`. */
export async function startVaultInjector(cluster: Cluster): Promise<VaultInjector> {
  requireMountNamespace();
  const path = await buildGoProgram(vaultInjector, {
    cacheFolder: cacheFolder(process.env),
    env: process.env,
    progress: createProgress(process.stderr),
  });
  const folder = join(cluster.folder, 'vault-injector');
  const run = join(folder, 'run');
  const [port = 0] = await freePorts(1);
  const authority = await writeCertificates(folder);
  await writeAccount(cluster, join(run, 'secrets/kubernetes.io/serviceaccount'));
  const { hostname, port: apiPort } = new URL(cluster.server);
  // It insists on the files of a pod's ServiceAccount, at the path of a pod.
  const line = withFolderAt(run, '/var/run', {
    command: path,
    args: [
      'agent-inject',
      `-listen=127.0.0.1:${port}`,
      `-tls-cert-file=${folder}/tls.crt`,
      `-tls-key-file=${folder}/tls.key`,
      '-vault-address=https://vault.vault.svc:8200',
    ],
  });
  const program = await startGuardedProcess(
    {
      name: 'vault-k8s',
      ...line,
      env: { PATH: process.env.PATH, KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: apiPort },
      folder,
      logFolder: cluster.logFolder,
    },
    cluster.guard,
  );
  await waitUntilUp(program, () => answers(port, authority), {
    timeoutMs: startTimeoutMs,
    what: 'the injector to be ready',
  });
  return {
    readLog: program.readLog,
    register: async (configurationName, policy) => {
      await cluster.harness.admissionRegistration.createMutatingWebhookConfiguration({
        body: { metadata: { name: configurationName }, webhooks: [webhookOf(port, authority, policy)] },
      });
    },
  };
}

/** Writes a certificate for `localhost`; returns the authority that signed it. */
async function writeCertificates(folder: string): Promise<string> {
  const nowMs = Date.now();
  const authority = issueCaCertificate(await generateRsaKeys(2048), nowMs, hourMs);
  const leaf = issueLeafCertificate(await generateRsaKeys(2048), authority, ['localhost'], nowMs, hourMs);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'tls.crt'), leaf.certificate);
  await writeFile(join(folder, 'tls.key'), leaf.key, { mode: 0o600 });
  return authority.certificate;
}

/** The files of a ServiceAccount with the rights of Vault's chart. */
async function writeAccount({ harness, ...cluster }: Cluster, folder: string): Promise<void> {
  await cluster.createNamespace(namespace);
  await harness.core.createNamespacedServiceAccount({ namespace, body: { metadata: { name: account } } });
  await harness.rbac.createClusterRole({
    body: {
      metadata: { name: account },
      rules: [
        {
          apiGroups: ['admissionregistration.k8s.io'],
          resources: ['mutatingwebhookconfigurations'],
          verbs: ['get', 'list', 'watch', 'patch'],
        },
      ],
    },
  });
  await harness.rbac.createClusterRoleBinding({
    body: {
      metadata: { name: account },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: account },
      subjects: [{ kind: 'ServiceAccount', name: account, namespace }],
    },
  });
  const { status } = await harness.core.createNamespacedServiceAccountToken({
    namespace,
    name: account,
    body: { spec: { audiences: [], expirationSeconds: 3_600 } },
  });
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'token'), status?.token ?? '', { mode: 0o600 });
  await writeFile(join(folder, 'ca.crt'), cluster.authority);
}

/** The webhook of Vault's Helm chart. */
const webhookOf = (
  port: number,
  authority: string,
  policy: V1MutatingWebhook['reinvocationPolicy'],
): V1MutatingWebhook => ({
  name: 'vault.hashicorp.com',
  admissionReviewVersions: ['v1', 'v1beta1'],
  sideEffects: 'None',
  failurePolicy: 'Fail',
  ...(policy === undefined ? {} : { reinvocationPolicy: policy }),
  clientConfig: {
    url: `https://localhost:${port}/mutate`,
    caBundle: Buffer.from(authority).toString('base64'),
  },
  rules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }],
  namespaceSelector: {
    matchExpressions: [
      { key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['kube-system', 'latchkey'] },
    ],
  },
});

function answers(port: number, ca: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    get({ host: 'localhost', port, path: '/health/ready', ca }, (response) => {
      response.resume();
      resolve(response.statusCode === 204);
    }).on('error', reject);
  });
}
