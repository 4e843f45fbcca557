import { mkdir } from 'node:fs/promises';
import {
  generateRsaKeys,
  issueCaCertificate,
  issueLeafCertificate,
} from '#shared/certificates/issue-certificate.ts';
import { kubeconfigOf } from '#testkit/cluster/kubernetes-client.ts';
import { type ClusterUser, tokenFileText } from './cluster-users.ts';
import { dnsConfiguration } from './dns-configuration.ts';
import { apiServerUrl, apiServiceAddress, controlPlaneAddress } from './node-addresses.ts';
import { writeFiles } from './write-files.ts';

const dayMs = 86_400_000;
const keyBits = 2048;
/** Names by which the API server is called: from pods, from nodes, and from this machine. */
const apiServerNames = [
  'kubernetes',
  'kubernetes.default',
  'kubernetes.default.svc',
  'kubernetes.default.svc.cluster.local',
  apiServiceAddress,
  controlPlaneAddress,
  '127.0.0.1',
];

/** Writes what the control plane starts with into `folder`, and a kubeconfig of every user. Returns the CA, PEM. */
export async function writeControlPlaneFiles(folder: string, users: readonly ClusterUser[]): Promise<string> {
  await mkdir(folder, { recursive: true });
  const [caKeys, serverKeys, accountKeys] = await Promise.all(
    [keyBits, keyBits, keyBits].map(generateRsaKeys),
  );
  if (caKeys === undefined || serverKeys === undefined || accountKeys === undefined)
    throw new Error('no keys');
  const ca = issueCaCertificate(caKeys, Date.now(), dayMs * 2);
  const server = issueLeafCertificate(serverKeys, ca, apiServerNames, Date.now(), dayMs);
  const kubeconfigs = users.map(({ file, name, token }) => [
    `${file}.kubeconfig`,
    JSON.stringify(kubeconfigOf({ server: apiServerUrl, authority: ca.certificate, user: name, token })),
  ]);
  await writeFiles(folder, {
    'ca.crt': ca.certificate,
    'apiserver.crt': server.certificate,
    'apiserver.key': server.key,
    'service-account.key': accountKeys.privateKey,
    'tokens.csv': tokenFileText(users),
    Corefile: dnsConfiguration(),
    ...Object.fromEntries(kubeconfigs),
  });
  return ca.certificate;
}
