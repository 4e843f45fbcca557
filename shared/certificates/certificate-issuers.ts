import type { X509Certificate } from 'node:crypto';
import { readBundle } from './ca-bundle.ts';

/**
 * Lists the certificates that a leaf may name as its issuer. These are the trusted ones, and the intermediates in its
 * own file that lead to a trusted one. `chain` is PEM, the leaf first.
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
