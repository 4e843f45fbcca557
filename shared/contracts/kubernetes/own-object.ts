/** Name prefix of latchkey's own Secrets (copies of global secrets, certificates), which no task may ask for. */
export const ownSecretPrefix = 'latchkey-';

/** Label of the Kubernetes objects that latchkey made. */
export const ownObjectLabel = { 'app.kubernetes.io/managed-by': 'latchkey' };
