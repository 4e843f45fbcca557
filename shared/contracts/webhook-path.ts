/** The path that gateways serve and the MutatingWebhookConfiguration names: that of Flyte's webhook (flyte-contract.md). */
export const webhookPath = '/mutate--v1-pod';
