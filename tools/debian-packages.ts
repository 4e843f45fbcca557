/** Debian packages that the image, the compose file and a real node need on this machine; CONTRIBUTING.md names them too. */
export const debianPackages: readonly string[] = [
  'containerd',
  'containernetworking-plugins',
  'docker.io',
  'iproute2',
  'iptables',
  'mmdebstrap',
  'mount',
  'runc',
  'tar',
  'util-linux',
];

/** The command that installs them. */
export const aptLine = (packages: readonly string[]): string =>
  `apt-get install -y --no-install-recommends ${packages.join(' ')}`;
