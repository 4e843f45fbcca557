import { enginePrograms } from '#testkit/images/container-engine.ts';
import { debianPrograms } from '#testkit/images/debian-image.ts';
import { type RequiredPrograms, requirePrograms } from '#testkit/processes/required-programs.ts';

/** What a real cluster and its images take from the machine's packages; the rest is built from pinned sources. */
export const nodeRequirements: RequiredPrograms = {
  ...enginePrograms,
  ...debianPrograms,
  containerd: 'containerd',
  runc: 'runc',
  '/usr/lib/cni/ptp': 'containernetworking-plugins',
  iptables: 'iptables',
  ip: 'iproute2',
  mount: 'mount',
  unshare: 'util-linux',
  nsenter: 'util-linux',
};

/** Throws one sentence that says what to do where this machine cannot run a real cluster. */
export const requireNode = (): void => requirePrograms('A real node', nodeRequirements);
