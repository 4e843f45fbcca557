import { createHash } from 'node:crypto';
import { access, readFile } from 'node:fs/promises';
import { type RequiredPrograms, requirePrograms } from '#testkit/processes/required-programs.ts';
import { runProgram } from '#testkit/processes/run-program.ts';
import { cachedImageFile } from './cached-image-file.ts';
import { debianSource } from './debian-source.ts';
import type { Image } from './image.ts';
import { readLayer } from './layer.ts';

export const debianPrograms: RequiredPrograms = { mmdebstrap: 'mmdebstrap', tar: 'tar' };

/** The name that deploy/Dockerfile gives what its programs run on. */
export const debianImageName = 'docker.io/library/debian:bookworm-slim';

/** Where the certificates that this machine trusts stand in the images made here, as on a Debian. */
export const trustedCertificates = '/etc/ssl/certs/ca-certificates.crt';

/** What node:24-slim and programs built with cgo need beside the packages that every Debian has. */
const libraries = ['libstdc++6', 'libatomic1'];
/** Makes /bin and its like links from the start, which the package usrmerge would do with all of Perl. */
const mergedUsr = ['--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr', '--include=usr-is-merged'];

/**
 * Makes a minimal Debian of the machine's own release, with the certificates that the machine trusts. Throws one sentence where it
 * cannot be made here.
 */
export async function debianImage(packages: readonly string[] = []): Promise<Image> {
  requirePrograms('A base image', debianPrograms);
  const { uri, suite } = await debianSource();
  const certificates = await trustedHere();
  const include = [...libraries, ...packages].join(',');
  const options = ['--mode=root', '--variant=essential', `--include=${include}`, ...mergedUsr, ...reductions];
  const hash = createHash('sha256').update([suite, ...options].join('\n'));
  if (certificates !== undefined) hash.update(await readFile(certificates));
  const copy = `mkdir -p "$1/etc/ssl/certs" && cp "${certificates}" "$1${trustedCertificates}"`;
  const trust = certificates === undefined ? [] : [`--customize-hook=${copy}`];
  const file = await cachedImageFile('debian', hash.digest('hex').slice(0, 12), async (path) => {
    const source = `deb ${uri} ${suite} main`;
    const env = { ...process.env, SOURCE_DATE_EPOCH: '0' };
    await runProgram('mmdebstrap', ['--format=tar', ...options, ...trust, suite, path, source], { env });
  });
  const config = { Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'] };
  return { name: debianImageName, layers: [await readLayer(file)], config };
}

/** Leave out what no container reads. */
const reductions = [
  ...['doc', 'man', 'info', 'locale', 'lintian'].map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`),
  '--customize-hook=rm -rf "$1"/var/cache/* "$1"/var/lib/apt "$1"/var/log/*',
];

/** Finds the file of the certificates that programs of this machine trust; undefined where there is none. */
async function trustedHere(): Promise<string | undefined> {
  for (const path of [process.env.SSL_CERT_FILE, trustedCertificates]) {
    if (path === undefined) continue;
    const isThere = await access(path).then(
      () => true,
      () => false,
    );
    if (isThere) return path;
  }
  return undefined;
}
