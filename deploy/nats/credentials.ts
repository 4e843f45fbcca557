/** A Secret of type kubernetes.io/basic-auth, as services mount it and nats-server gets its password from it. */
type CredentialsSecret = {
  apiVersion: 'v1';
  kind: 'Secret';
  type: 'kubernetes.io/basic-auth';
  metadata: { name: string; namespace: string; labels: Record<string, string> };
  stringData: { username: string; password: string };
};

/** The users of a nats.conf whose password is a variable, and that variable: `user: gateway, password: $NAME`. */
export function passwordVariables(configuration: string): Map<string, string> {
  const users = configuration.matchAll(/\buser\s*[:=]?\s*"?([\w-]+)"?\s*,?\s*password\s*[:=]?\s*\$(\w+)/g);
  return new Map([...users].map(([, user = '', variable = '']) => [user, variable]));
}

/** The Secret `nats-<user>` of a user. */
export const credentialsSecret = (user: string, password: string): CredentialsSecret => ({
  apiVersion: 'v1',
  kind: 'Secret',
  type: 'kubernetes.io/basic-auth',
  metadata: {
    name: `nats-${user}`,
    namespace: 'latchkey',
    labels: { 'app.kubernetes.io/part-of': 'latchkey' },
  },
  stringData: { username: user, password },
});
