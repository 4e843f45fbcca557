import { randomBytes } from 'node:crypto';

/** A Secret of type kubernetes.io/basic-auth, as services mount it and nats-server gets its password from it. */
interface CredentialsSecret {
  apiVersion: 'v1';
  kind: 'Secret';
  type: 'kubernetes.io/basic-auth';
  metadata: { name: string; namespace: string; labels: Record<string, string> };
  stringData: { username: string; password: string };
}

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

/** nats-server parses the value of a variable: one that begins like a number or a date would not be text. */
const newPassword = (): string => `password-${randomBytes(24).toString('hex')}`;

/**
 * A random bcrypt hash in the place of a password. nats-server compares what a client sends with the password of the
 * hash, which nobody knows, and needs one for every user to start.
 */
function lockedPassword(): string {
  const digest = randomBytes(40).toString('base64').replaceAll('+', '.').replaceAll('=', '.').slice(0, 53);
  return `$2a$04$${digest}`;
}

/** Whether the service of a user runs: of resolvers those of the managers that are asked. */
export const isInUse = (user: string, managers: readonly string[]): boolean =>
  !user.startsWith('resolver-') || managers.includes(user.slice('resolver-'.length));

/** A new random password for a user in use, for any other what lets nobody in. */
export const passwordFor = (user: string, managers: readonly string[]): string =>
  isInUse(user, managers) ? newPassword() : lockedPassword();
