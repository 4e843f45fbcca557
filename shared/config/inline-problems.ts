import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';

/**
 * Refuses inline delivery while anybody could ask a gateway for values. Either gateways verify that the caller is the
 * API server, which shows no certificate unless it is told to (docs/reference/kube-apiserver.md C12), or the operator
 * says that the network does.
 */
export function inlineProblems({ global, webhook }: LatchkeyConfig): string[] {
  const isOpen =
    global.delivery === 'inline' && webhook.clientCa === undefined && !global.acceptNetworkPolicyOnly;
  return isOpen
    ? [
        'global.delivery: "inline" hands secret values to whoever reaches a gateway: set webhook.clientCa, so that only the API server does, or state global.acceptNetworkPolicyOnly: true (docs/inline-delivery.md)',
      ]
    : [];
}
