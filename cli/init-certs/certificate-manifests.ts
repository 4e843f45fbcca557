import { type TlsSecretContent, tlsSecret } from '#shared/installation/tls-secret.ts';
import { desiredWebhookConfiguration } from '#shared/installation/webhook-configuration.ts';
import { type IssuePairOptions, newCa, newLeaf } from './issue-pair.ts';

/**
 * Makes new Secrets, private keys included. With `webhook.manage: false`, where somebody else creates it,
 * the webhook configuration that trusts them follows. The layout is always the same.
 */
export async function certificateManifests(options: IssuePairOptions): Promise<object[]> {
  const { config, namespace } = options;
  const { tls, webhook } = config;
  const ca = await newCa(options, '');
  const leaf = await newLeaf(options, ca);
  return [
    secretManifest(namespace, tls.caSecretName, ca),
    secretManifest(namespace, tls.servingSecretName, leaf),
    ...(webhook.manage ? [] : [desiredWebhookConfiguration(webhook, namespace, ca.bundle)]),
  ];
}

const secretManifest = (namespace: string, name: string, stored: TlsSecretContent): object => ({
  apiVersion: 'v1',
  kind: 'Secret',
  ...tlsSecret({ namespace, name }, stored, undefined),
});
