import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { inject } from 'vitest';

// Every client of this process trusts the local AWS; a few make connections that no option of theirs reaches.
setDefaultCACertificates([...getCACertificates('default'), inject('miniStack').ca]);
