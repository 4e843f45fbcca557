/** First version in what a program prints (`Kubernetes v1.36.3`, `etcd Version: 3.6.16`), as `v1.36.3`. */
export function parseProgramVersion(output: string): string | undefined {
  const match = /\bv?(\d+\.\d+\.\d+)/.exec(output);
  return match === null ? undefined : `v${match[1]}`;
}

/**
 * Whether a version found on the machine may stand in for the pinned one: the same major version, and the same minor
 * version or a newer one. Both look like `v1.36.3`; patch levels are not compared.
 */
export function isSufficient(found: string, pinned: string): boolean {
  const [foundMajor, foundMinor] = numbers(found);
  const [pinnedMajor, pinnedMinor] = numbers(pinned);
  return foundMajor === pinnedMajor && foundMinor >= pinnedMinor;
}

function numbers(version: string): [major: number, minor: number] {
  const [major = Number.NaN, minor = Number.NaN] = version.replace(/^v/, '').split('.').map(Number);
  return [major, minor];
}
