/** The path that gateways serve and the MutatingWebhookConfiguration names: that of Flyte's webhook (docs/reference/flyte.md F1). */
export const webhookPath = '/mutate--v1-pod';
