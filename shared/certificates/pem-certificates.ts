/** The certificates of a PEM text, each as text; whatever stands between them is left out. Nothing is decoded. */
export function pemCertificates(pem: string): string[] {
  return pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
}
