import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Is where a Debian release is loaded from. */
interface DebianSource {
  uri: string;
  suite: string;
}

const folder = '/etc/apt/sources.list.d';

/** Reads where this machine loads its own Debian packages from. Throws when it is no Debian. */
export async function debianSource(): Promise<DebianSource> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => /\.(sources|list)$/.test(name));
  const files = ['/etc/apt/sources.list', ...names.map((name) => join(folder, name))];
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8').catch(() => '')));
  const [, suite = ''] = /^VERSION_CODENAME=(\w+)$/m.exec(await readFile('/etc/os-release', 'utf8')) ?? [];
  const uri = findDebianUri(texts, suite);
  if (uri === undefined) throw new Error(`no apt source of this machine has a Debian release ${suite}`);
  return { uri, suite };
}

/** Finds the first address that has the release, in both forms of an apt source. */
export function findDebianUri(texts: readonly string[], suite: string): string | undefined {
  for (const stanza of texts.flatMap((text) => text.split(/\n\s*\n/))) {
    const [, uri] = /^URIs:\s*(\S+)/m.exec(stanza) ?? [];
    const [, suites = ''] = /^Suites:(.*)$/m.exec(stanza) ?? [];
    if (uri !== undefined && suites.split(/\s+/).includes(suite)) return uri;
    for (const [, address, release] of stanza.matchAll(/^deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)/gm)) {
      if (release === suite) return address;
    }
  }
  return undefined;
}
