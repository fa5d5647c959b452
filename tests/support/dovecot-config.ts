import { join } from 'node:path';

/** The four listeners of a test server, all on 127.0.0.1; `imap` and `pop3` offer STARTTLS and STLS. */
export interface DovecotPorts {
  readonly imap: number;
  readonly imaps: number;
  readonly pop3: number;
  readonly pop3s: number;
}

/** How mailbox names are spelled: every name but INBOX begins with the prefix. */
export interface Namespace {
  readonly prefix: string;
  readonly separator: '/' | '.';
}

/** A login of a test server. */
export interface DovecotUser {
  readonly password: string;
  /** Settings of this user alone, e.g. `{ pop3_lock_session: 'yes' }`. @default {} */
  readonly settings?: Readonly<Record<string, string>>;
}

/** Whom the server runs as: Dovecot's login processes refuse root. */
export interface ServerIdentity {
  readonly uid: number;
  readonly gid: number;
  readonly userName: string;
  readonly groupName: string;
}

interface ConfigInput {
  readonly folder: string;
  readonly ports: DovecotPorts;
  readonly identity: ServerIdentity;
  readonly namespace: Namespace;
  readonly settings: string;
}

/** The text of dovecot.conf (Dovecot 2.3) for a server that keeps everything in `folder` and needs no privileges. */
export function dovecotConfig(input: ConfigInput): string {
  return [
    general(input),
    authentication(input),
    namespace(input.namespace),
    loginService('imap', input.ports.imap, input.ports.imaps),
    loginService('pop3', input.ports.pop3, input.ports.pop3s),
    input.settings,
  ].join('\n');
}

function general({ folder, identity }: ConfigInput): string {
  return `
base_dir = ${join(folder, 'run')}
state_dir = ${join(folder, 'run')}
log_path = ${join(folder, 'dovecot.log')}
protocols = imap pop3
listen = 127.0.0.1
ssl = yes
ssl_cert = <${join(folder, 'server.crt')}
ssl_key = <${join(folder, 'server.key')}
default_internal_user = ${identity.userName}
default_internal_group = ${identity.groupName}
default_login_user = ${identity.userName}
default_process_limit = 500
default_client_limit = 2000
first_valid_uid = ${identity.uid}
first_valid_gid = ${identity.gid}
mail_location = maildir:~/Maildir:UTF-8
mail_fsync = never
mail_max_userip_connections = 1000
shutdown_clients = yes
`;
}

function authentication({ folder }: ConfigInput): string {
  const args = `driver = passwd-file\n  args = ${join(folder, 'users')}`;
  return `
disable_plaintext_auth = no
auth_failure_delay = 0
passdb {
  ${args}
}
userdb {
  ${args}
}
# Without the listener there is no growing delay after wrong passwords from one address.
service anvil {
  chroot =
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
`;
}

function namespace({ prefix, separator }: Namespace): string {
  return `
namespace inbox {
  inbox = yes
  prefix = ${prefix}
  separator = ${separator}
}
`;
}

function loginService(protocol: 'imap' | 'pop3', plainPort: number, tlsPort: number): string {
  return `
service ${protocol}-login {
  chroot =
  service_count = 0
  process_min_avail = 1
  inet_listener ${protocol} {
    port = ${plainPort}
  }
  inet_listener ${protocol}s {
    port = ${tlsPort}
  }
}
`;
}

/** The text of the passwd-file that holds logins and their own settings. */
export function usersFile(
  users: Readonly<Record<string, DovecotUser>>,
  folder: string,
  identity: ServerIdentity,
): string {
  const lines = Object.entries(users).map(([name, user]) => {
    if (/[:\s/]/.test(name) || /[:\r\n]/.test(user.password)) {
      throw new Error(
        `Cannot write user "${name}" into a passwd-file: a colon, slash, blank or line end is in it`,
      );
    }
    const extra = Object.entries(user.settings ?? {}).map(([key, value]) => `userdb_${key}=${value}`);
    const home = homeOf(folder, name);
    return `${name}:{PLAIN}${user.password}:${identity.uid}:${identity.gid}::${home}::${extra.join(' ')}\n`;
  });
  return lines.join('');
}

/** The home folder of a user, above its Maildir. */
export function homeOf(folder: string, user: string): string {
  return join(folder, 'mail', user);
}
