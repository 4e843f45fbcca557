import type { X509Certificate } from 'node:crypto';
import { certificateId, isCurrentCa, readBundle } from '#shared/certificates/ca-bundle.ts';
import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';
import {
  planRepair,
  skipReason,
  trustedBundle,
  wholeObject,
} from '#shared/installation/webhook-configuration.ts';
import type { MutatingWebhookConfiguration } from '#shared/kubernetes/objects/webhook-configurations.ts';
import type { WebhookFacts } from '../decide/rotation-facts.ts';

/** Returns the CAs with which the API server calls us; none when it does not. */
export const trustedCas = (
  existing: MutatingWebhookConfiguration | undefined,
  config: LatchkeyConfig['webhook'],
  namespace: string,
): X509Certificate[] => readBundle(trustedBundle(existing, config, namespace) ?? '');

/**
 * Returns the facts of a webhook configuration that may not be read. It may call us with any bundle, so that no CA counts
 * as trusted and none is replaced.
 */
export const unseenWebhookFacts = (reason: string): WebhookFacts => ({
  trusted: [],
  current: [],
  unmanagedReason: reason,
  isUnseen: true,
  drifted: false,
  isBundleDeferred: false,
});

/** Reads the facts of the webhook configuration at one moment. */
export function readWebhookFacts(
  existing: MutatingWebhookConfiguration | undefined,
  config: LatchkeyConfig['webhook'],
  namespace: string,
  nowMs: number,
  deferred: ReadonlySet<string> = new Set(),
): WebhookFacts {
  const calls = trustedBundle(existing, config, namespace) !== undefined;
  const cas = trustedCas(existing, config, namespace);
  const asRead = cas.map(String).join('');
  const isWritable = (bundle: string): boolean =>
    existing === undefined
      ? !deferred.has(wholeObject)
      : planRepair(existing, config, namespace, bundle, deferred).length > 0;
  return {
    trusted: calls ? cas.map(certificateId) : undefined,
    current: cas.filter((ca) => isCurrentCa(ca, nowMs)).map(certificateId),
    unmanagedReason: skipReason(existing, config, namespace),
    drifted: isWritable(asRead),
    // No field is named: the bundle may be written with the entry or the object, and both with what they replace.
    isBundleDeferred: !isWritable(`${asRead}\n`),
  };
}
