import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A certificate authority of a test, made by openssl: not by the code that is tested. */
export interface Authority {
  folder: string;
  certificateFile: string;
  keyFile: string;
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** Makes one in `folder`. */
export async function createAuthority(folder: string, name: string): Promise<Authority> {
  const certificateFile = join(folder, `${name}.crt`);
  const keyFile = join(folder, `${name}.key`);
  const out = ['-keyout', keyFile, '-out', certificateFile];
  await run('openssl', ['req', '-x509', ...newKey, ...out, '-subj', `/CN=${name}`, '-days', '2']);
  return { folder, certificateFile, keyFile };
}

let issued = 0;

/** A certificate for a server or a client of that name, and its key, as PEM. */
export async function issueCertificate(
  authority: Authority,
  name: string,
): Promise<{ certificate: string; key: string; certificateFile: string; keyFile: string }> {
  issued += 1;
  const base = join(authority.folder, `${name}-${issued}`);
  const [requestFile, certificateFile, keyFile] = [`${base}.csr`, `${base}.crt`, `${base}.key`];
  await run('openssl', ['req', ...newKey, '-keyout', keyFile, '-out', requestFile, '-subj', `/CN=${name}`]);
  const extensions = `${base}.ext`;
  await writeFile(extensions, `subjectAltName=DNS:${name}\nextendedKeyUsage=serverAuth,clientAuth\n`);
  const signing = ['-CA', authority.certificateFile, '-CAkey', authority.keyFile, '-set_serial', `${issued}`];
  const files = ['-in', requestFile, '-out', certificateFile, '-extfile', extensions];
  await run('openssl', ['x509', '-req', ...signing, ...files, '-days', '1']);
  const [certificate, key] = await Promise.all([
    readFile(certificateFile, 'utf8'),
    readFile(keyFile, 'utf8'),
  ]);
  return { certificate, key, certificateFile, keyFile };
}
