import { parseMessage } from '../../../../functions/poll/parse/parse-message.ts';
import { parseJob } from '../../../support/parse-job.ts';
import { BOMBS } from './bombs.ts';

// Parses the one mail that it is told the name of, and prints what that took.
const bytes = BOMBS[process.argv[2] ?? '']?.();
if (bytes === undefined) throw new Error(`Cannot explode "${process.argv[2]}": there is no such bomb`);
const before = process.cpuUsage();
const { event } = await parseMessage(parseJob(bytes));
const { user, system } = process.cpuUsage(before);
const { subject, messageId } = JSON.parse(event.toString()).data;
const cpuMs = Math.round((user + system) / 1_000);
const memoryMb = Math.round((process.resourceUsage().maxRSS * 1_024 - bytes.length) / 1_000_000);
process.stdout.write(JSON.stringify({ cpuMs, memoryMb, subject, messageId }));
