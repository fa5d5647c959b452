/** Characters of a server's text that go into a message. */
const MAX_TEXT_LENGTH = 200;

/**
 * Text from a server or a certificate as it may stand in an error message: one line, no control characters, not long, and
 * without the secrets, which a server could echo.
 */
export function quotable(text: string, secrets: readonly string[]): string {
  let safe = text;
  for (const secret of secrets) {
    if (secret.length > 0) safe = safe.replaceAll(secret, '***');
  }
  safe = safe.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim();
  return safe.length > MAX_TEXT_LENGTH ? `${safe.slice(0, MAX_TEXT_LENGTH)}…` : safe;
}

/** The forms in which the wire carries a login's secret (LOGIN, AUTHENTICATE PLAIN and LOGIN). */
export function secretForms(username: string, password: string): string[] {
  const base64 = (text: string) => Buffer.from(text, 'utf8').toString('base64');
  return [base64(`\0${username}\0${password}`), base64(password), password];
}
