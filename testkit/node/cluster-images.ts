import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { buildImage } from '#testkit/images/build-image.ts';
import { cachedImageFile } from '#testkit/images/cached-image-file.ts';
import { debianImage } from '#testkit/images/debian-image.ts';
import { extendImage, writeImages } from '#testkit/images/image.ts';
import { createLayer } from '#testkit/images/layer.ts';
import { nodeImage } from '#testkit/images/node-image.ts';
import { pauseImage } from './containerd-configuration.ts';
import type { NodePrograms } from './node-control-plane.ts';

/** The image that task pods of the test kit name; it has Node. */
export const taskImage = 'docker.io/library/task:1';

/**
 * Files with the images of a cluster's pods: ours, built from deploy/Dockerfile, and those of nats-server, of a task and
 * of a pod's sandbox, made here of pinned programs because no registry is reached.
 */
export async function clusterImages(programs: NodePrograms, natsImage: string): Promise<string[]> {
  const [debian, node] = [await debianImage(), await nodeImage()];
  const hash = createHash('sha256').update(`${programs.pause} ${programs['nats-server']} ${natsImage}`);
  for (const { id } of node.layers) hash.update(id);
  const others = await cachedImageFile('node-pods', hash.digest('hex').slice(0, 12), async (path) => {
    const folder = await mkdtemp(join(tmpdir(), 'latchkey-layers-'));
    const layerOf = (program: string, at: string) =>
      createLayer(
        [{ at, from: program, mode: 0o755 }],
        join(folder, `${at.slice(1).replaceAll('/', '-')}.tar`),
      );
    const nats = await layerOf(programs['nats-server'], '/usr/local/bin/nats-server');
    const pause = await layerOf(programs.pause, '/pause');
    await writeImages(
      [
        extendImage(debian, natsImage, [nats], { Entrypoint: ['/usr/local/bin/nats-server'] }),
        { ...node, name: taskImage },
        { name: pauseImage, layers: [pause], config: { Entrypoint: ['/pause'] } },
      ],
      path,
    );
    await rm(folder, { recursive: true });
  });
  return [(await buildImage()).file, others];
}

/** The name of nats-server's image in the StatefulSet of deploy/nats/nats.yaml. */
export function natsImageOf(manifest: string): string {
  const documents = manifest.split(/^---$/m).map((text): unknown => parse(text));
  for (const document of documents) {
    const { spec } = document as { spec?: { template?: { spec?: { containers?: { image?: string }[] } } } };
    const image = spec?.template?.spec?.containers?.[0]?.image;
    if (image !== undefined) return image;
  }
  throw new Error('deploy/nats/nats.yaml has no image');
}
