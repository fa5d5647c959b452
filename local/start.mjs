import { endWithNpm } from '../scripts/end-with-npm.mjs';
import { runOnRequiredNode } from '../scripts/require-node.mjs';

endWithNpm();
await runOnRequiredNode(new URL('./main.ts', import.meta.url));
