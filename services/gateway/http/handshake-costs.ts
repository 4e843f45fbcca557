/**
 * Limits what the failed handshakes of one address cost, ms of the event loop's CPU time. An ordinary handshake takes 2
 * to 8 ms, and only what exceeds `ordinaryMs` counts: callers that merely lack a certificate lock nobody out.
 */
export const costLimits = { ordinaryMs: 10, mostMs: 250, forgivenPerSecondMs: 25 };

/** Bounds the memory of addresses; the one charged longest ago is forgotten first. */
const mostAddresses = 1_000;

/** Knows which addresses have spent what their failed handshakes may cost. */
export interface HandshakeCosts {
  isSpent(address: string): boolean;
  /** Charges a step of a handshake that has not succeeded. */
  charge(address: string, cpuMs: number): void;
}

export function createHandshakeCosts(monotonicMs: () => number): HandshakeCosts {
  const { ordinaryMs, mostMs, forgivenPerSecondMs } = costLimits;
  const charged = new Map<string, { costMs: number; atMs: number }>();
  const costOf = (address: string): number => {
    const found = charged.get(address);
    if (found === undefined) return 0;
    const forgivenMs = ((monotonicMs() - found.atMs) / 1_000) * forgivenPerSecondMs;
    return Math.max(0, found.costMs - forgivenMs);
  };
  return {
    isSpent: (address) => costOf(address) >= mostMs,
    charge: (address, cpuMs) => {
      if (cpuMs <= ordinaryMs) return;
      const costMs = costOf(address) + cpuMs - ordinaryMs;
      charged.delete(address);
      charged.set(address, { costMs, atMs: monotonicMs() });
      const [first] = charged.keys();
      if (charged.size > mostAddresses && first !== undefined) charged.delete(first);
    },
  };
}
