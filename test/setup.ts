import { configureGlobal } from 'fast-check';

// The same cases on every run, so that a red run can be repeated; FC_SEED=… goes looking for others.
configureGlobal({ seed: Number(process.env['FC_SEED'] ?? '20261123') });
