import { blobsContract } from '../../contract/blobs.ts';
import { storeContract } from '../../contract/store.ts';
import { vaultContract } from '../../contract/vault.ts';
import { openInFolder } from './folders.ts';

storeContract('embedded', openInFolder);
blobsContract('embedded', openInFolder);
vaultContract('embedded', openInFolder);
