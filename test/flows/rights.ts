import type { RbacV1Subject, V1PolicyRule, V1RoleRef } from '@kubernetes/client-node';
import type { Cluster } from '#testkit/cluster/cluster.ts';
import type { AuditEvent } from '#testkit/cluster/control-plane.ts';
import { installationNamespace } from '#testkit/cluster/manifests.ts';

const userPrefix = `system:serviceaccount:${installationNamespace}:`;
const anywhere = '*';

/**
 * One right of one service, as small as RBAC can give it: `discovery create secrets in *`, or with a name
 * `cert-manager update secrets latchkey-ca in latchkey`.
 */
export interface Right {
  service: string;
  verb: string;
  /** With its API group, `mutatingwebhookconfigurations.admissionregistration.k8s.io`. */
  resource: string;
  /** Undefined: any. */
  name: string | undefined;
  /** `*`: any, and what has no namespace. */
  namespace: string;
}

const describeRight = ({ service, verb, resource, name, namespace }: Right): string =>
  [service, verb, resource, ...(name === undefined ? [] : [name]), 'in', namespace].join(' ');

interface Binding {
  subjects?: RbacV1Subject[];
  roleRef: V1RoleRef;
}

/** The rights that ServiceAccounts of the installation have, read from the API server as deploy/ was applied. */
export async function grantedRights({ harness }: Cluster): Promise<Right[]> {
  const { rbac } = harness;
  const [roles, clusterRoles, roleBindings, clusterRoleBindings] = await Promise.all([
    rbac.listRoleForAllNamespaces(),
    rbac.listClusterRole(),
    rbac.listRoleBindingForAllNamespaces(),
    rbac.listClusterRoleBinding(),
  ]);
  const rulesOf = ({ kind, name }: V1RoleRef, namespace: string): V1PolicyRule[] => {
    const role =
      kind === 'Role'
        ? roles.items.find(({ metadata }) => metadata?.name === name && metadata.namespace === namespace)
        : clusterRoles.items.find(({ metadata }) => metadata?.name === name);
    return role?.rules ?? [];
  };
  const rightsOf = (binding: Binding, namespace: string): Right[] =>
    servicesOf(binding).flatMap((service) =>
      rulesOf(binding.roleRef, namespace).flatMap((rule) => splitRule(rule, service, namespace)),
    );
  return [
    ...roleBindings.items.flatMap((binding) => rightsOf(binding, binding.metadata?.namespace ?? '')),
    ...clusterRoleBindings.items.flatMap((binding) => rightsOf(binding, anywhere)),
  ];
}

const servicesOf = ({ subjects = [] }: Binding): string[] =>
  subjects
    .filter(({ kind, namespace }) => kind === 'ServiceAccount' && namespace === installationNamespace)
    .map(({ name }) => name);

function splitRule(rule: V1PolicyRule, service: string, namespace: string): Right[] {
  const names = rule.resourceNames ?? [undefined];
  return (rule.apiGroups ?? []).flatMap((group) =>
    (rule.resources ?? []).flatMap((resource) =>
      rule.verbs.flatMap((verb) =>
        names.map((name) => ({ service, verb, resource: withGroup(resource, group), name, namespace })),
      ),
    ),
  );
}

const withGroup = (resource: string, group = ''): string =>
  group === '' ? resource : `${resource}.${group}`;

/** What the ServiceAccounts of the installation asked of the API server: each kind of request once. */
export function usedRights(events: readonly AuditEvent[]): Right[] {
  const used = events
    .filter(({ user }) => user.username.startsWith(userPrefix))
    .flatMap((event) => {
      const request = readRequest(event);
      // An API server that does not stream lists is asked for the same with the verb `list`.
      return isStreamedList(event) ? [request, { ...request, verb: 'list' }] : [request];
    });
  return [...new Map(used.map((right) => [describeRight(right), right])).values()];
}

const isStreamedList = ({ requestURI }: AuditEvent): boolean =>
  new URL(requestURI, 'http://api').searchParams.get('sendInitialEvents') === 'true';

/** A request that names no resource stands with its path. */
function readRequest({ user, verb, objectRef, requestURI }: AuditEvent): Right {
  const { resource, subresource, apiGroup, name, namespace } = objectRef ?? {};
  const path = [resource ?? requestURI, ...(subresource === undefined ? [] : [subresource])].join('/');
  return {
    service: user.username.slice(userPrefix.length),
    verb,
    resource: withGroup(path, apiGroup),
    name,
    namespace: namespace ?? anywhere,
  };
}

/** What was asked for without a right, and the rights that nothing asked for. */
export function compareRights(
  granted: readonly Right[],
  used: readonly Right[],
): { notGranted: string[]; notUsed: string[] } {
  const notGranted = used.filter((request) => !granted.some((right) => covers(right, request)));
  const notUsed = granted.filter((right) => !used.some((request) => covers(right, request)));
  return { notGranted: notGranted.map(describeRight), notUsed: notUsed.map(describeRight) };
}

const covers = (right: Right, request: Right): boolean =>
  right.service === request.service &&
  right.verb === request.verb &&
  right.resource === request.resource &&
  (right.name === undefined || right.name === request.name) &&
  (right.namespace === anywhere || right.namespace === request.namespace);

/** Requests of the installation's ServiceAccounts that were refused for want of a right. */
export const forbidden = (events: readonly AuditEvent[]): string[] =>
  events
    .filter(({ user }) => user.username.startsWith(userPrefix))
    .filter(({ responseStatus }) => responseStatus?.code === 403 || responseStatus?.code === 401)
    .map((event) => describeRight(readRequest(event)));
