/**
 * What Courier (5.0) sends in place of a message whose file was removed after the mailbox was opened. A FETCH states its
 * size too, and a SEARCH still finds the message, until the server looks into its folder again.
 */
const COURIER_HEAD = 'From: System Administrator <root@localhost>\r\nSubject: message unavailable\r\n\r\n';
const STAND_INS = [COURIER_HEAD, `${COURIER_HEAD}This message is no longer available on the server.\r\n`].map(
  (text) => Buffer.from(text),
);

/** Whether these bytes, a message or its header section, are a server's notice that it has not got the message. */
export function isStandIn(bytes: Buffer): boolean {
  return STAND_INS.some((standIn) => standIn.equals(bytes));
}
