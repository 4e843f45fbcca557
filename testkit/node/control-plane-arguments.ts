import { apiServerPort, controlPlaneAddress, podRange, serviceRange } from './node-addresses.ts';
import { clusterMount, inNodeFolder, kubeconfigPath } from './node-folder.ts';

/** Files of the control plane, as the first node sees them. */
export const controlPlaneFile = (name: string): string => `${clusterMount}/kubernetes/${name}`;

const etcdUrl = 'http://127.0.0.1:2379';
const etcdPeerUrl = 'http://127.0.0.1:2380';

/** What each program of the control plane is started with. */
export const controlPlaneArguments = {
  etcd: (node: string): string[] => [
    `--data-dir=${inNodeFolder(node, 'etcd')}`,
    // What a machine's crash would lose is thrown away at the end anyway.
    '--unsafe-no-fsync',
    `--listen-client-urls=${etcdUrl}`,
    `--advertise-client-urls=${etcdUrl}`,
    `--listen-peer-urls=${etcdPeerUrl}`,
    `--initial-advertise-peer-urls=${etcdPeerUrl}`,
    `--initial-cluster=default=${etcdPeerUrl}`,
  ],

  apiServer: (): string[] => [
    `--etcd-servers=${etcdUrl}`,
    `--bind-address=${controlPlaneAddress}`,
    `--advertise-address=${controlPlaneAddress}`,
    `--secure-port=${apiServerPort}`,
    `--tls-cert-file=${controlPlaneFile('apiserver.crt')}`,
    `--tls-private-key-file=${controlPlaneFile('apiserver.key')}`,
    `--service-cluster-ip-range=${serviceRange}`,
    '--authorization-mode=Node,RBAC',
    '--enable-admission-plugins=NodeRestriction',
    `--token-auth-file=${controlPlaneFile('tokens.csv')}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${controlPlaneFile('service-account.key')}`,
    `--service-account-signing-key-file=${controlPlaneFile('service-account.key')}`,
    '--allow-privileged=true',
    // The machine's DNS knows no node, so logs and exec go to its address.
    '--kubelet-preferred-address-types=InternalIP',
  ],

  controllerManager: (): string[] => [
    `--kubeconfig=${kubeconfigPath('controller-manager')}`,
    `--service-account-private-key-file=${controlPlaneFile('service-account.key')}`,
    `--root-ca-file=${controlPlaneFile('ca.crt')}`,
    '--use-service-account-credentials=true',
    `--cluster-cidr=${podRange}`,
    '--leader-elect=false',
    '--bind-address=127.0.0.1',
  ],

  scheduler: (): string[] => [
    `--kubeconfig=${kubeconfigPath('scheduler')}`,
    '--leader-elect=false',
    '--bind-address=127.0.0.1',
  ],

  dns: (): string[] => ['-conf', controlPlaneFile('Corefile')],
};
