import { controlPlaneAddress } from './node-addresses.ts';
import { kubeconfigPath } from './node-folder.ts';

/** Corefile of the cluster's DNS, which knows the cluster's own names only. */
export const dnsConfiguration = (): string => `.:53 {
  bind ${controlPlaneAddress}
  errors
  cache 30 {
    disable success cluster.local
    disable denial cluster.local
  }
  kubernetes cluster.local in-addr.arpa ip6.arpa {
    kubeconfig ${kubeconfigPath('dns')}
    pods insecure
    ttl 5
  }
}
`;
