/** Certificates for 127.0.0.1 that openssl makes, each its own authority, and servers that show one. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { connect, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createServer, type TLSSocket } from 'node:tls';

const program = 'openssl';

export const hasOpenssl = ((): boolean => {
  try {
    execFileSync(program, ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

/** Writes `<name>.pem` and `<name>.key` into the folder. Throws where there is no openssl. */
export function makeCertificate(folder: string, name: string): void {
  const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1'];
  const key = [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-keyout',
    join(folder, `${name}.key`),
  ];
  execFileSync(
    program,
    ['req', '-x509', ...key, '-out', join(folder, `${name}.pem`), '-days', '2', ...subject],
    { stdio: 'ignore' },
  );
}

export interface TlsDoor extends AsyncDisposable {
  /** `https://127.0.0.1:…`, in front of the server. */
  readonly url: string;
}

/** TLS in front of a plain server on loopback, with a certificate of {@link makeCertificate}. */
export async function startTlsDoor(
  plainUrl: string,
  certificate: { readonly folder: string; readonly name: string },
): Promise<TlsDoor> {
  const { folder, name } = certificate;
  const sockets = new Set<TLSSocket>();
  const server = createServer(
    {
      key: readFileSync(join(folder, `${name}.key`)),
      cert: readFileSync(join(folder, `${name}.pem`)),
    },
    (socket) => {
      sockets.add(socket);
      const onward = connect(Number(new URL(plainUrl).port), '127.0.0.1');
      onward.on('error', () => socket.destroy());
      socket.on('error', () => onward.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        onward.destroy();
      });
      onward.pipe(socket).pipe(onward);
    },
  );
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `https://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}
