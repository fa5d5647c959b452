/** What a server offers by its CAPA (RFC 2449), as far as it matters here. */
export interface Capabilities {
  /** False when the server has no CAPA: then everything else is as RFC 1939 has it, and the optional is to be tried. */
  readonly known: boolean;
  readonly pipelining: boolean;
  readonly uidl: boolean;
  readonly top: boolean;
  readonly utf8: boolean;
  readonly stls: boolean;
  /** USER and PASS. */
  readonly user: boolean;
  readonly saslPlain: boolean;
  /** The least time between two logins, in ms; null when none is stated. */
  readonly loginDelayMs: number | null;
}

const MAX_LOGIN_DELAY_SECONDS = 86_400;

/** The capabilities of a server that has no CAPA. */
export const NO_CAPABILITIES: Capabilities = capabilitiesOf([], false);

/** Reads the body of CAPA's reply; tags and mechanisms in any case, unknown ones skipped. */
export function parseCapabilities(body: string): Capabilities {
  return capabilitiesOf(body.toUpperCase().split('\r\n'), true);
}

function capabilitiesOf(lines: readonly string[], known: boolean): Capabilities {
  const offers = new Map<string, readonly string[]>();
  for (const line of lines) {
    const [tag, ...args] = line.split(/[ \t]+/).filter((word) => word !== '');
    if (tag !== undefined) offers.set(tag, args);
  }
  const delay = offers.get('LOGIN-DELAY')?.[0];
  return {
    known,
    pipelining: offers.has('PIPELINING'),
    uidl: offers.has('UIDL'),
    top: offers.has('TOP'),
    utf8: offers.has('UTF8'),
    stls: offers.has('STLS'),
    user: offers.has('USER'),
    saslPlain: offers.get('SASL')?.includes('PLAIN') ?? false,
    loginDelayMs:
      delay !== undefined && /^\d{1,9}$/.test(delay)
        ? Math.min(Number(delay), MAX_LOGIN_DELAY_SECONDS) * 1_000
        : null,
  };
}
