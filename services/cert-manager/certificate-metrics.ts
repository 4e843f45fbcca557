import { metrics } from '@opentelemetry/api';
import { rotationPhases } from '#shared/contracts/kubernetes/rotation-state.ts';
import type { CertificateStatus } from './certificate-source.ts';

/** Observes the status of the certificates at each scrape, once there is one. */
export function createCertificateMetrics(status: () => CertificateStatus | undefined): void {
  const meter = metrics.getMeter('latchkey');
  meter
    .createObservableGauge('latchkey.rotation.phase', {
      description: '1 for the current phase of the CA rotation, else 0',
    })
    .addCallback((result) => {
      const current = status()?.phase;
      if (current === undefined) return;
      for (const phase of rotationPhases) result.observe(+(phase === current), { phase });
    });
  meter
    .createObservableGauge('latchkey.rotation.waiting', {
      description: '1 for each endpoint that does not report the current leaf',
    })
    .addCallback((result) => {
      for (const endpoint of status()?.notServing ?? []) result.observe(1, { endpoint });
    });
  meter
    .createObservableGauge('latchkey.webhook.undone', {
      description: 'Consecutive times the repair of a field of the webhook configuration was reverted',
    })
    .addCallback((result) => {
      for (const { field, count } of status()?.undone ?? []) result.observe(count - 1, { field });
    });
  meter
    .createObservableGauge('latchkey.write.refused', {
      description: 'Consecutive times the API server refused a write of cert-manager, by write',
    })
    .addCallback((result) => {
      for (const { write, count } of status()?.refused ?? []) result.observe(count, { write });
    });
  meter
    .createObservableGauge('latchkey.managed.certificate.expiry.seconds', {
      description: 'Unix time at which a certificate in a Secret expires, ca or leaf',
    })
    .addCallback((result) => {
      for (const [certificate, expiresMs] of Object.entries(status()?.expiresMs ?? {})) {
        if (expiresMs !== undefined) result.observe(expiresMs / 1_000, { certificate });
      }
    });
}
