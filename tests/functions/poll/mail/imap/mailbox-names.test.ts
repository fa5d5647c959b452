import { describe, expect, it } from 'vitest';
import { answer, loggedIn } from './imap-script.ts';
import { cleanUpAfterEach, mail, mailError, open, scripted, served } from './imap-support.ts';

cleanUpAfterEach();

describe('mailbox names', () => {
  it('that do not exist are answered with those that do', async () => {
    const mailboxes = Array.from({ length: 30 }, (_, at) => ({ name: `Folder ${at}` }));
    const server = await served({ mailboxes });
    const source = await open(server);

    const error = await mailError(source.list('Flder 1', null));

    expect(error.code).toBe('mailbox');
    expect(error.message).toContain('"Flder 1"');
    expect(error.message).toMatch(/this account has "INBOX", "Folder 0".* and 11 more$/);
  });

  it('are any Unicode, and INBOX is any spelling of it', async () => {
    const server = await served({ mailboxes: [{ name: 'Bücher & Ü/日本' }] });
    server.mailbox('ana', 'Bücher & Ü/日本').add(mail(1));
    const source = await open(server);

    expect((await source.list('Bücher & Ü/日本', null)).items).toMatchObject([
      { source: { mailbox: 'Bücher & Ü/日本', uid: 1 } },
    ]);
    expect((await source.list('inbox', null)).next.mailbox).toBe('INBOX');
  });

  it('may be a special use, which sources and cursors then carry', async () => {
    const server = await served({ mailboxes: [{ name: 'Ablage', specialUse: '\\Archive' }] });
    server.mailbox('ana', 'Ablage').add(mail(1));
    const source = await open(server);

    const listing = await source.list('\\Archive', null);

    expect(listing.items).toMatchObject([{ source: { mailbox: '\\Archive' } }]);
    expect(listing.next.mailbox).toBe('\\Archive');
    expect((await mailError(source.list('\\Junk', null))).code).toBe('mailbox');
  });

  it('that mean one mailbox are refused but for the first, or its messages would have two ids', async () => {
    const server = await served({ mailboxes: [{ name: 'Ablage', specialUse: '\\Archive' }] });
    const source = await open(server);

    await source.list('Ablage', null);
    const error = await mailError(source.list('\\Archive', null));

    expect(error.code).toBe('mailbox');
    expect(error.message).toContain('"Ablage"');
    expect((await source.list('Ablage', null)).next.mailbox).toBe('Ablage');
  });

  it.each(['IN\r\nBOX', 'a\0b', ''])('%j is refused before the wire', async (name) => {
    const server = await scripted(loggedIn());
    const source = await open(server);
    const before = server.received.length;

    expect((await mailError(source.list(name, null))).code).toBe('mailbox');
    expect(server.received).toHaveLength(before);
  });

  it('that may not be opened say why', async () => {
    const server = await scripted([
      ...loggedIn(),
      answer('SELECT INBOX', [], 'NO [NOPERM] Not for you'),
      answer('LIST .*', ['* LIST () "/" INBOX']),
    ]);
    const source = await open(server);

    expect(await mailError(source.list('INBOX', null))).toMatchObject({
      code: 'mailbox',
      message: expect.stringContaining('Not for you'),
    });
  });
});
