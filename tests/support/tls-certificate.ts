import { readFileSync } from 'node:fs';

/** What a TLS server needs, and the certificate a client must trust to accept it. */
export interface TestCertificate {
  readonly key: string;
  readonly cert: string;
  readonly caPem: string;
}

function fixture(name: string): string {
  return readFileSync(new URL(`./fixtures/${name}`, import.meta.url), 'utf8');
}

/** For `localhost` and 127.0.0.1, signed by itself, valid from 2020 to 2126. */
export const selfSigned: TestCertificate = {
  key: fixture('self-signed.key.pem'),
  cert: fixture('self-signed.cert.pem'),
  caPem: fixture('self-signed.cert.pem'),
};

/** For `localhost` and 127.0.0.1, signed by a test CA, valid from 2020 to 2126. */
export const caSigned: TestCertificate = {
  key: fixture('ca-signed.key.pem'),
  cert: fixture('ca-signed.cert.pem'),
  caPem: fixture('ca.cert.pem'),
};
