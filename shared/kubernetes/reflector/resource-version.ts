const number = /^(0|[1-9][0-9]*)$/;

/**
 * Whether a resourceVersion is later than another one of the same resource; undefined when they cannot be compared. Those
 * of an API server are decimal numbers that grow (KEP-5504, stable in Kubernetes 1.35).
 */
export function isLaterResourceVersion(resourceVersion: string, than: string): boolean | undefined {
  if (!number.test(resourceVersion) || !number.test(than)) return undefined;
  if (resourceVersion.length !== than.length) return resourceVersion.length > than.length;
  return resourceVersion > than;
}
