import {
  AdmissionregistrationV1Api,
  AuthenticationV1Api,
  CoreV1Api,
  DiscoveryV1Api,
  KubeConfig,
  KubernetesObjectApi,
  RbacAuthorizationV1Api,
} from '@kubernetes/client-node';

/** Typed clients of one user. */
export interface KubernetesClient {
  config: KubeConfig;
  core: CoreV1Api;
  rbac: RbacAuthorizationV1Api;
  discovery: DiscoveryV1Api;
  admissionRegistration: AdmissionregistrationV1Api;
  authentication: AuthenticationV1Api;
  objects: KubernetesObjectApi;
}

export interface KubernetesUser {
  server: string;
  authority: string;
  user: string;
  token: string;
}

/**
 * A KUBECONFIG of one cluster and one user with a token, as an object (JSON is YAML, so it can be written as it is). A
 * server on plain HTTP is a test's proxy.
 */
export const kubeconfigOf = ({ server, authority, user, token }: KubernetesUser) => ({
  apiVersion: 'v1',
  kind: 'Config',
  clusters: [
    {
      name: 'latchkey-test',
      cluster: server.startsWith('http:')
        ? { server, 'insecure-skip-tls-verify': true }
        : { server, 'certificate-authority-data': Buffer.from(authority).toString('base64') },
    },
  ],
  users: [{ name: user, user: { token } }],
  contexts: [{ name: 'latchkey-test', context: { cluster: 'latchkey-test', user } }],
  'current-context': 'latchkey-test',
});

type Request = Parameters<KubeConfig['applySecurityAuthentication']>[0];

/** client-node connects anew for each request, which costs both sides more than the answer: this one keeps its connection. */
class KeptConnection extends KubeConfig {
  #dispatcher: ReturnType<Request['getDispatcher']>;

  override async applySecurityAuthentication(request: Request): Promise<void> {
    await super.applySecurityAuthentication(request);
    this.#dispatcher ??= request.getDispatcher();
    if (this.#dispatcher !== undefined) request.setDispatcher(this.#dispatcher);
  }
}

/** Clients that act as that user. */
export function createKubernetesClient(user: KubernetesUser): KubernetesClient {
  const config = new KeptConnection();
  config.loadFromString(JSON.stringify(kubeconfigOf(user)));
  return {
    config,
    core: config.makeApiClient(CoreV1Api),
    rbac: config.makeApiClient(RbacAuthorizationV1Api),
    discovery: config.makeApiClient(DiscoveryV1Api),
    admissionRegistration: config.makeApiClient(AdmissionregistrationV1Api),
    authentication: config.makeApiClient(AuthenticationV1Api),
    objects: KubernetesObjectApi.makeApiClient(config),
  };
}
