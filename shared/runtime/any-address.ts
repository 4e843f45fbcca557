import { networkInterfaces } from 'node:os';

/** The address to listen on for every address of the machine: `::` takes IPv4 too, where the machine has IPv6 at all. */
export function anyAddress(): string {
  const addresses = Object.values(networkInterfaces()).flat();
  return addresses.some((address) => address?.family === 'IPv6') ? '::' : '0.0.0.0';
}
