/** What a request is about, in the words of RBAC: `resource`, and where given `namespace` and `name`. */
interface ResourceTarget {
  resource: string;
  namespace?: string;
  name?: string;
}

const groupPath = {
  secrets: '/api/v1',
  namespaces: '/api/v1',
  pods: '/api/v1',
  configmaps: '/api/v1',
  endpointslices: '/apis/discovery.k8s.io/v1',
  leases: '/apis/coordination.k8s.io/v1',
  mutatingwebhookconfigurations: '/apis/admissionregistration.k8s.io/v1',
  clusterroles: '/apis/rbac.authorization.k8s.io/v1',
} as const;

/** Builds the URL path of a collection, or of one object when `name` is given. */
export function resourcePath(target: ResourceTarget & { resource: keyof typeof groupPath }): string {
  const namespace = target.namespace === undefined ? [] : ['namespaces', target.namespace];
  const name = target.name === undefined ? [] : [target.name];
  const segments = [...namespace, target.resource, ...name].map(encodeURIComponent);
  return [groupPath[target.resource], ...segments].join('/');
}

/** Reads such a path back, for errors and logs. */
export function parseResourcePath(path: string): ResourceTarget {
  const segments = path.split('/').slice(1).map(decodeURIComponent);
  // `/api/<version>/...` or `/apis/<group>/<version>/...`
  const [first, second, third, name] = segments.slice(segments[0] === 'api' ? 2 : 3);
  if (first === 'namespaces' && third !== undefined) {
    return {
      resource: third,
      ...(second === undefined ? {} : { namespace: second }),
      ...(name ? { name } : {}),
    };
  }
  return { resource: first ?? path, ...(second === undefined ? {} : { name: second }) };
}
