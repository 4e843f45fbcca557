/**
 * Lists the places of an init container of ours. `first`: before all others, so that those can read the files.
 * `afterNativeSidecars`: behind the native sidecars that get no secrets, for a mesh that takes the network away until its
 * sidecar runs.
 */
export const initContainerPositions = ['first', 'afterNativeSidecars'] as const;

/** One of these places. */
export type InitContainerPosition = (typeof initContainerPositions)[number];
