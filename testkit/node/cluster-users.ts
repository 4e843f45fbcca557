import { randomUUID } from 'node:crypto';
import { nodeNameOf } from './node-addresses.ts';

/** A user with a static token, and the name and groups by which Kubernetes' own RBAC rules know it. */
export interface ClusterUser {
  /** Names its kubeconfig. */
  file: string;
  name: string;
  groups: readonly string[];
  token: string;
}

/** Every program has the rights that a real cluster gives it; the person and the DNS have all. */
export function clusterUsers(nodes: number): ClusterUser[] {
  const user = (file: string, name: string, groups: readonly string[] = []): ClusterUser => ({
    file,
    name,
    groups,
    token: randomUUID(),
  });
  const nodeUsers = Array.from({ length: nodes }, (_, index) => nodeNameOf(index + 1)).map((node) =>
    user(node, `system:node:${node}`, ['system:nodes']),
  );
  return [
    user('admin', 'admin', ['system:masters']),
    user('dns', 'dns', ['system:masters']),
    user('controller-manager', 'system:kube-controller-manager'),
    user('scheduler', 'system:kube-scheduler'),
    user('proxy', 'system:kube-proxy'),
    ...nodeUsers,
  ];
}

/** The file of kube-apiserver's `--token-auth-file`. */
export const tokenFileText = (users: readonly ClusterUser[]): string =>
  users.map(({ token, name, groups }) => `${token},${name},${name},"${groups.join(',')}"\n`).join('');

/** The token of the user that a person is. Throws when there is none. */
export function administratorToken(users: readonly ClusterUser[]): string {
  const admin = users.find(({ file }) => file === 'admin');
  if (admin === undefined) throw new Error('no user is an administrator');
  return admin.token;
}
