import type { Dovecot } from '../support/dovecot.ts';
import { generateMails } from '../support/mail-generator.ts';

/** The mails of the bench and the mailbox they lie in. */
export interface Workload {
  readonly mails: readonly Buffer[];
  readonly bytes: number;
  readonly user: string;
  readonly password: string;
}

const SEED = 20_26;
/** The mixed mails that the design's figures are about: 2,000 of 55.7 MB. */
const BYTES_PER_MAIL = 27_850;

/** Makes the same mails on every machine and puts them into the mailbox of a user. */
export async function deliverWorkload(
  dovecot: Dovecot,
  user: { readonly name: string; readonly password: string },
  count: number,
): Promise<Workload> {
  const mails = generateMails({ seed: SEED, count, totalBytes: count * BYTES_PER_MAIL });
  await dovecot.deliverAll(user.name, mails);
  const bytes = mails.reduce((sum, mail) => sum + mail.length, 0);
  return { mails, bytes, user: user.name, password: user.password };
}
