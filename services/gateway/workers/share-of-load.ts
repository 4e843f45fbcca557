import type { Load } from '../http/load.ts';
import type { ConnectionLimits } from '../http/webhook-server.ts';

/** Two bodies of the longest that is read: with less, one client's would shut out all others. */
const leastHeldBytes = 16 * 1_024 * 1_024;

/** Divides what a pod may hold among its workers, so that the memory of the pod does not grow with their number. */
export const shareOfConnections = (limits: ConnectionLimits, workers: number): ConnectionLimits => ({
  handshakes: Math.ceil(limits.handshakes / workers),
  established: Math.ceil(limits.established / workers),
  all: Math.ceil(limits.all / workers),
  unreadBytes: Math.max(leastHeldBytes, Math.ceil(limits.unreadBytes / workers)),
});

/** The same for bodies; how long and how many requests may wait is a matter of each worker's own core. */
export const shareOfLoad = (limits: Load, workers: number): Load => ({
  ...limits,
  heldBytes: Math.max(leastHeldBytes, Math.ceil(limits.heldBytes / workers)),
});
