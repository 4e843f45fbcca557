import type { X509Certificate } from 'node:crypto';
import { readBundle } from './ca-bundle.ts';

/**
 * The certificates that a leaf may name as its issuer: the trusted ones, and those that its own file holds behind it
 * when they lead to a trusted one. `chain` is PEM, the leaf first.
 */
export function certificateIssuers(chain: string, trusted: readonly X509Certificate[]): X509Certificate[] {
  const issuers = [...trusted];
  let candidates = readBundle(chain).slice(1);
  for (;;) {
    const led = candidates.filter(
      (each) =>
        each.ca && issuers.some((issuer) => each.checkIssued(issuer) && each.verify(issuer.publicKey)),
    );
    if (led.length === 0) return issuers;
    issuers.push(...led);
    candidates = candidates.filter((each) => !led.includes(each));
  }
}
