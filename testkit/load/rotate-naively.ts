import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:tls';
import { certificateId } from '#shared/certificates/ca-bundle.ts';
import {
  generateRsaKeys,
  issueCaCertificate,
  issueLeafCertificate,
} from '#shared/certificates/issue-certificate.ts';
import { servingNames } from '#shared/certificates/serving-names.ts';
import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { configurationNameOf } from '#shared/installation/webhook-configuration.ts';
import type { Cluster } from '#testkit/cluster/cluster.ts';
import { installationNamespace } from '#testkit/cluster/manifests.ts';
import type { RunningInstallation } from '#testkit/installation/running-installation.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { gatewaysOf } from './rolling-restart.ts';
import { readSecret } from './rotation.ts';

const { tls, webhook } = latchkeyConfigSchema.parse({});
const lifetimeMs = 86_400_000;
const servedTimeoutMs = 60_000;
const encode = (text: string): string => Buffer.from(text).toString('base64');

/**
 * What many webhooks do, and what the load must see: the bundle is replaced at once by one with the new CA only, then
 * the leaf. cert-manager must not run. Resolves when every gateway serves the new leaf.
 */
export async function rotateNaively(installation: RunningInstallation): Promise<void> {
  const { cluster } = installation;
  const [caKeys, leafKeys] = await Promise.all([generateRsaKeys(tls.keyBits), generateRsaKeys(tls.keyBits)]);
  const ca = issueCaCertificate(caKeys, Date.now(), lifetimeMs);
  const names = servingNames(webhook, installationNamespace);
  const leaf = issueLeafCertificate(leafKeys, ca, names, Date.now(), lifetimeMs);
  await replaceBundle(cluster, ca.certificate);
  await writePair(cluster, tls.caSecretName, ca.certificate, ca);
  await writePair(cluster, tls.servingSecretName, ca.certificate, leaf);
  const wanted = certificateId(new X509Certificate(leaf.certificate));
  const isServed = async (): Promise<boolean> => {
    const served = await Promise.all(gatewaysOf(installation).map(({ ports }) => servedBy(ports.webhook)));
    return served.every((id) => id === wanted);
  };
  await waitFor(isServed, { timeoutMs: servedTimeoutMs, what: 'every gateway to serve the new leaf' });
}

/** So that nobody repairs what is done by hand. */
export async function stopCertManagers({ cluster }: RunningInstallation): Promise<void> {
  const managers = cluster.services().filter(({ name }) => name.startsWith('cert-manager-'));
  await Promise.all(managers.map((manager) => manager.stop()));
}

async function replaceBundle({ harness }: Cluster, bundle: string): Promise<void> {
  const name = configurationNameOf(webhook);
  const { admissionRegistration } = harness;
  const configuration = await admissionRegistration.readMutatingWebhookConfiguration({ name });
  for (const entry of configuration.webhooks ?? []) entry.clientConfig.caBundle = encode(bundle);
  await admissionRegistration.replaceMutatingWebhookConfiguration({ name, body: configuration });
}

async function writePair(
  cluster: Cluster,
  name: string,
  bundle: string,
  pair: { certificate: string; key: string },
): Promise<void> {
  const secret = await readSecret(cluster, name);
  secret.data = {
    ...secret.data,
    'ca.crt': encode(bundle),
    'tls.crt': encode(pair.certificate),
    'tls.key': encode(pair.key),
  };
  const namespace = installationNamespace;
  await cluster.harness.core.replaceNamespacedSecret({ namespace, name, body: secret });
}

/** Id of the leaf that whoever connects to this port is shown now. */
async function servedBy(port: number): Promise<string | undefined> {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const leaf = socket.getPeerX509Certificate();
  socket.destroy();
  return leaf && certificateId(leaf);
}
