import { mkdir } from 'node:fs/promises';
import { debianImage } from '#testkit/images/debian-image.ts';
import { createImage, type Image } from '#testkit/images/image.ts';
import type { LayerEntry } from '#testkit/images/layer.ts';
import { cacheFolder } from '#tools/cache-folder.ts';
import { composeProgram } from '#tools/compose/compose-program.ts';
import { type BuildContext, buildGoProgram } from '#tools/go-program.ts';
import { collectorProgram } from '#tools/otel-collector/collector-program.ts';
import { findPrograms } from '#tools/programs.ts';
import { createProgress } from '#tools/progress.ts';

/** What docker-compose.yml runs beside latchkey, as programs of this machine. */
export interface ComposePrograms {
  /** Compose itself. */
  compose: string;
  images: Image[];
}

const context: BuildContext = {
  cacheFolder: cacheFolder(process.env),
  env: process.env,
  progress: createProgress(process.stderr),
};

/** Asks for a page of this container and fails unless that is answered with 200: bash$ healthy <port> <path>. */
const healthy = `#!/bin/bash
exec 3<>"/dev/tcp/127.0.0.1/$1" && printf 'GET %s HTTP/1.0\\r\\n\\r\\n' "$2" >&3 && head -1 <&3 | grep -q ' 200 '
`;

/** Prints each span that it is sent; it stands for Jaeger, whose build takes longer than all the rest. */
export const spanPrinter = `receivers: { otlp: { protocols: { grpc: { endpoint: 0.0.0.0:4317 } } } }
exporters: { debug: { verbosity: detailed } }
service: { pipelines: { traces: { receivers: [otlp], exporters: [debug] } } }
`;

/** Builds what is missing and makes an image of each program, under the names that docker-compose.yml has. */
export async function composePrograms(
  names: Readonly<Record<string, string>>,
  folder: string,
): Promise<ComposePrograms> {
  const compose = await buildGoProgram(composeProgram, context);
  const collector = await buildGoProgram(collectorProgram, context);
  const programs = await findPrograms(context);
  const base = await debianImage();
  await mkdir(folder, { recursive: true });
  const image = (service: string, files: LayerEntry[], entrypoint: string[] = []): Promise<Image> =>
    createImage(base, { name: names[service] ?? '', files, config: { Entrypoint: entrypoint } }, folder);
  const program = (name: string, from: string): LayerEntry => ({
    at: `/usr/local/bin/${name}`,
    from,
    mode: 0o755,
  });
  const script = (name: string, line: string): LayerEntry[] => [
    { at: '/usr/local/bin/healthy', text: healthy, mode: 0o755 },
    { at: `/usr/local/bin/${name}`, text: `#!/bin/sh\nexec healthy ${line}\n`, mode: 0o755 },
  ];
  const { etcd, kubectl } = programs;
  const images = await Promise.all([
    image('etcd', [program('etcd', etcd.path), ...script('etcdctl', '2379 /health')]),
    image('kube-apiserver', [program('kube-apiserver', programs['kube-apiserver'].path)]),
    image('kubectl', [program('kubectl', kubectl.path)]),
    image('nats', [
      program('nats-server', programs['nats-server'].path),
      ...script('wget', '8222 "/healthz?js-server-only=true"'),
    ]),
    image('otel-collector', [program('otelcol', collector)], ['otelcol']),
    image(
      'jaeger',
      [program('otelcol', collector), { at: '/etc/span-printer.yaml', text: spanPrinter }],
      ['otelcol', '--config=/etc/span-printer.yaml'],
    ),
  ]);
  return { compose, images };
}
