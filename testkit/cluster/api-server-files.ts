import { generateKeyPair, randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { stringify } from 'yaml';

/** Users with a static token. `harness` is left out of the audit log; `author` has no rights until a test gives some. */
const userGroups = {
  harness: ['system:masters'],
  admin: ['system:masters'],
  author: ['authors'],
} as const;
export type UserName = keyof typeof userGroups;

/** Files that kube-apiserver is started with. */
export interface ApiServerFiles {
  folder: string;
  tokens: Readonly<Record<UserName, string>>;
  tokenFile: string;
  serviceAccountKeyFile: string;
  auditPolicyFile: string;
  auditLogFile: string;
  tracingFile: string;
  /** Folder in which kube-apiserver makes its own certificate; `apiserver.crt` holds the authority too. */
  certificateFolder: string;
}

const modulusLength = 2048;

/** Writes them under `folder`; every request is sampled for traces, which go to the gRPC endpoint `host:port`. */
export async function writeApiServerFiles(folder: string, tracingEndpoint: string): Promise<ApiServerFiles> {
  await mkdir(folder, { recursive: true });
  const users = Object.keys(userGroups) as UserName[];
  const tokens = Object.fromEntries(users.map((user) => [user, randomUUID()])) as Record<UserName, string>;
  const tokenLines = users.map((user) => `${tokens[user]},${user},${user},"${userGroups[user].join(',')}"\n`);
  const { privateKey } = await promisify(generateKeyPair)('rsa', {
    modulusLength,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const files: ApiServerFiles = {
    folder,
    tokens,
    tokenFile: join(folder, 'tokens.csv'),
    serviceAccountKeyFile: join(folder, 'service-account.key'),
    auditPolicyFile: join(folder, 'audit-policy.yaml'),
    auditLogFile: join(folder, 'audit.log'),
    tracingFile: join(folder, 'tracing.yaml'),
    certificateFolder: join(folder, 'certificates'),
  };
  await Promise.all([
    writeFile(files.tokenFile, tokenLines.join(''), { mode: 0o600 }),
    writeFile(files.serviceAccountKeyFile, privateKey, { mode: 0o600 }),
    writeFile(files.auditPolicyFile, stringify(auditPolicy)),
    writeFile(files.tracingFile, stringify(tracingConfiguration(tracingEndpoint))),
  ]);
  return files;
}

/** At level Request a webhook's patch is part of the pod's audit event (docs/reference/kube-apiserver.md C35). */
const auditPolicy = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [
    { level: 'None', users: ['harness', 'system:apiserver'] },
    { level: 'Request', verbs: ['create'], resources: [{ group: '', resources: ['pods'] }] },
    { level: 'Metadata' },
  ],
};

const tracingConfiguration = (endpoint: string) => ({
  apiVersion: 'apiserver.config.k8s.io/v1beta1',
  kind: 'TracingConfiguration',
  endpoint,
  samplingRatePerMillion: 1_000_000,
});
