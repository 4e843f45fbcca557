/** Lists of the files of /app which are tests, and which are programs of one kind of machine: by name, or by the head of an ELF file. */
export const imageFiles = `
import { closeSync, globSync, openSync, readSync } from 'node:fs';
const isElf = (file) => {
  const head = Buffer.alloc(4);
  const descriptor = openSync(file);
  readSync(descriptor, head, 0, 4, 0);
  closeSync(descriptor);
  return head.equals(Buffer.from([0x7f, 0x45, 0x4c, 0x46]));
};
const files = globSync('/app/**/*', { withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => entry.parentPath + '/' + entry.name);
const binaries = files.filter((file) => /\\.(node|so|dll|dylib|bare|exe)$/.test(file) || isElf(file));
const tests = files.filter((file) => /\\.test\\.ts$/.test(file));
console.log(JSON.stringify({ tests, binaries, total: files.length }));
`;

/** Imports every module but the programs, whose imports are those of the modules beside them. */
export const importAll = `
import { globSync } from 'node:fs';
const failed = [];
let loaded = 0;
for (const file of globSync('/app/{shared,services,cli}/**/*.ts')) {
  if (/\\/main\\.ts$/.test(file)) continue;
  await import(file).then(() => loaded++, (error) => failed.push(file + ': ' + error.message));
}
console.log(JSON.stringify({ loaded, failed }));
process.exit(0);
`;

/**
 * Lets every provider list its secrets where nothing can be reached, and prints how each failed: that is only after its SDK has loaded
 * what it loads late, as the sources of credentials.
 */
export const askProviders = `
// The SDK of gcp rejects twice when it finds no credentials.
process.on('unhandledRejection', () => undefined);
const open = async (manager) => Object.values(await import('/app/services/resolver/providers/' + manager + '-provider.ts'))
  .find((value) => typeof value === 'function');
const settings = {
  aws: { region: 'eu-west-1' },
  gcp: { projects: ['p'] },
  azure: { vaultUrls: ['https://vault.example'] },
};
const said = (error) => [error.message, ...[error.errors, error.cause].flat().filter(Boolean).map(said)].join('; ');
const answers = {};
for (const [manager, config] of Object.entries(settings)) {
  const provider = (await open(manager))(config, 1_000_000);
  const listing = provider.listSecrets({ signal: AbortSignal.timeout(50_000), leaveOut() {}, enter() {} });
  answers[manager] = await listing.next().then(() => 'listed', said);
}
// A vault is asked before any credential is looked for.
const { DefaultAzureCredential } = await import('@azure/identity');
const token = new DefaultAzureCredential().getToken('https://vault.azure.net/.default');
answers['azure credentials'] = await token.then(() => 'found', said);
console.log(JSON.stringify(answers));
process.exit(0);
`;
